package fakecluster_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
)

// quotaSteps sends the same requests to any cluster, and returns what it observed.
type quotaSteps struct {
	t         *testing.T
	client    kubernetes.Interface
	namespace string
	// want is what was observed before on the fake cluster: the real one is later with what a
	// quota says, so a step is repeated until it gives the same; nil on the fake cluster.
	want []string
	got  []string
	// again lets the quota controller count again, nil on the fake cluster, which counts at once.
	again func()
}

// triesBeforeAgain is how often a step is observed before the quota controller counts again.
const triesBeforeAgain = 100

// countAgain changes the limits of each quota and changes them back. The API server counts a pod before it
// stores it. If the quota controller counts between the two, because another pod was just deleted, it
// overwrites the sum with one without the new pod, and does not count again for minutes.
func (s *quotaSteps) countAgain() {
	ctx, quotas := s.t.Context(), s.client.CoreV1().ResourceQuotas(s.namespace)
	list, err := quotas.List(ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, q := range list.Items {
		for _, limit := range []string{`"9"`, "null"} {
			patch := fmt.Sprintf(`{"spec":{"hard":{"count/leases.coordination.k8s.io":%s}}}`, limit)
			if _, err := quotas.Patch(ctx, q.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

func (s *quotaSteps) observe(observe func() string) {
	text := observe()
	if want := s.want; len(s.got) < len(want) && text != want[len(s.got)] {
		tries := 0
		testkit.Eventually(s.t, want[len(s.got)], func() bool {
			if tries++; tries%triesBeforeAgain == 0 && s.again != nil {
				s.again()
			}
			text = observe()
			return text == want[len(s.got)]
		})
	}
	s.got = append(s.got, text)
}

func resources(list string) corev1.ResourceList {
	result := corev1.ResourceList{}
	for item := range strings.FieldsSeq(list) {
		name, value, _ := strings.Cut(item, "=")
		result[corev1.ResourceName(name)] = resource.MustParse(value)
	}
	return result
}

func describeList(list corev1.ResourceList) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(list)) {
		value := list[name]
		all = append(all, fmt.Sprintf("%s=%s", name, value.String()))
	}
	return strings.Join(all, " ")
}

// used observes what each quota says.
func (s *quotaSteps) used(step string) {
	s.observe(func() string {
		list, err := s.client.CoreV1().ResourceQuotas(s.namespace).List(s.t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		text := step + ":"
		for _, q := range list.Items {
			text += fmt.Sprintf(" %s: %s of %s;", q.Name, describeList(q.Status.Used), describeList(q.Status.Hard))
		}
		return text
	})
}

func (s *quotaSteps) do(step string, do func() error) {
	s.observe(func() string { return fmt.Sprintf("%s: %v", step, do()) })
}

// create creates a pod with a container for each pair of requests and limits.
func (s *quotaSteps) create(name string, change func(*corev1.PodSpec), containers ...[2]string) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for i, c := range containers {
		container := corev1.Container{Name: fmt.Sprintf("c%d", i), Image: "busybox"}
		container.Resources = corev1.ResourceRequirements{Requests: resources(c[0]), Limits: resources(c[1])}
		pod.Spec.Containers = append(pod.Spec.Containers, container)
	}
	if change != nil {
		change(&pod.Spec)
	}
	s.do("create "+name, func() error {
		_, err := s.client.CoreV1().Pods(s.namespace).Create(s.t.Context(), pod, metav1.CreateOptions{})
		return err
	})
	s.used("after " + name)
}

func (s *quotaSteps) quota(name, hard string) {
	quotas := s.client.CoreV1().ResourceQuotas(s.namespace)
	spec := corev1.ResourceQuotaSpec{Hard: resources(hard)}
	s.do("quota "+name+" "+hard, func() error {
		_, err := quotas.Create(s.t.Context(), &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{})
		if err == nil {
			return nil
		}
		found, err := quotas.Get(s.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		found.Spec = spec
		_, err = quotas.Update(s.t.Context(), found, metav1.UpdateOptions{})
		return err
	})
	s.used("quota " + name)
	// The API server learns of it a moment later.
	s.do("a service", func() error {
		service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "probe"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
		_, err := s.client.CoreV1().Services(s.namespace).Create(s.t.Context(), service, metav1.CreateOptions{})
		if err == nil {
			_ = s.client.CoreV1().Services(s.namespace).Delete(s.t.Context(), "probe", metav1.DeleteOptions{})
			return errors.New("there is no quota of services")
		}
		return err
	})
}

func (s *quotaSteps) run() []string {
	ctx, pods := s.t.Context(), s.client.CoreV1().Pods(s.namespace)
	remove := func(name string) {
		s.do("delete "+name, func() error { return pods.Delete(ctx, name, metav1.DeleteOptions{}) })
		s.used("without " + name)
	}
	s.quota("a", "pods=2 count/pods=3 services=0 secrets=1")
	s.create("one", nil, [2]string{})
	s.create("two", nil, [2]string{"cpu=1", ""})
	s.create("three", nil, [2]string{})
	s.create("one", nil, [2]string{}) // the quota is checked before the name
	two, err := pods.Get(ctx, "two", metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	two.Status.Phase = corev1.PodSucceeded
	_, err = pods.UpdateStatus(ctx, two, metav1.UpdateOptions{})
	s.do("two has ended", func() error { return err })
	s.used("two has ended")
	s.create("three", nil, [2]string{})
	remove("one")
	s.create("four", nil, [2]string{}) // two counts as an object
	remove("two")
	s.create("four", nil, [2]string{})
	remove("three")
	remove("four")

	s.quota("a", "pods=9 services=0 cpu=1 requests.memory=1Gi limits.cpu=2")
	s.create("nothing", nil, [2]string{}, [2]string{"cpu=1", "cpu=1"})
	s.create("limits", nil, [2]string{"", "cpu=500m memory=512Mi"})
	s.create("much", nil, [2]string{"cpu=600m memory=513Mi", "cpu=2"})
	s.create("init", func(spec *corev1.PodSpec) {
		c := spec.Containers[0].DeepCopy()
		c.Name, c.RestartPolicy = "sidecar", ptr.To(corev1.ContainerRestartPolicyAlways)
		large := spec.Containers[0].DeepCopy()
		large.Name = "init"
		large.Resources.Requests[corev1.ResourceMemory] = resource.MustParse("300Mi")
		spec.InitContainers = []corev1.Container{*c, *large}
	}, [2]string{"cpu=100m memory=100Mi", "cpu=200m"})
	s.create("full", nil, [2]string{"cpu=300m memory=1Mi", "cpu=300m"})
	s.create("late", nil, [2]string{"cpu=1m memory=1", "cpu=1m"})
	remove("limits")
	s.create("late", nil, [2]string{"cpu=300m memory=1Mi", "cpu=300m"})

	s.quota("b", "requests.nvidia.com/gpu=1 services=0 count/configmaps=9")
	s.create("gpu", nil, [2]string{"cpu=1m memory=1 nvidia.com/gpu=1", "cpu=1m nvidia.com/gpu=1"})
	s.create("gpus", nil, [2]string{"cpu=1m memory=1 nvidia.com/gpu=1", "cpu=1m nvidia.com/gpu=1"})
	s.do("a ConfigMap", func() error {
		_, err := s.client.CoreV1().ConfigMaps(s.namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "config"}}, metav1.CreateOptions{})
		return err
	})
	s.used("a ConfigMap")
	for _, patch := range []string{`{"metadata":{"annotations":{"a":"b","c":"d"}}}`, `{"metadata":{"annotations":{"a":null}}}`, `{"metadata":{"uid":"00000000-0000-0000-0000-000000000000"}}`} {
		s.observe(func() string {
			patched, err := s.client.CoreV1().ConfigMaps(s.namespace).Patch(ctx, "config", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
			if err != nil {
				return uidPattern.ReplaceAllString(err.Error(), "UID")
			}
			return fmt.Sprintf("patch %s: %v", patch, patched.Annotations)
		})
	}
	return s.got
}

// Quotas permit, refuse and count the same on the fake cluster and on a real API server with
// its controllers.
func TestParityOfQuotas(t *testing.T) {
	server := apiserver.ForTestWithControllers(t)
	fake := (&quotaSteps{t: t, client: fakecluster.New(fakecluster.Options{}).Client(), namespace: "default"}).run()
	namespace := server.Namespace(t)
	testkit.Eventually(t, "the namespace has a service account", func() bool {
		_, err := server.Client.CoreV1().ServiceAccounts(namespace).Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
	steps := &quotaSteps{t: t, client: server.Client, namespace: namespace, want: fake}
	steps.again = steps.countAgain
	real := steps.run()
	if diff := cmp.Diff(real, fake); diff != "" {
		t.Errorf("a real API server (-) and the fake cluster (+) differ:\n%s", diff)
	}
}
