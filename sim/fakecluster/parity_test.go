package fakecluster_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
)

func newPod(name, label string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"l": label}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, Message: "a create must ignore this status"},
	}
}

var uidPattern = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

// runSteps sends the same requests to any cluster and returns what it observed, one
// line for each answer and each watch event. It ignores the fields that a real API
// server sets and that no code of this project reads.
func runSteps(t *testing.T, client kubernetes.Interface, namespace string) []string {
	ctx, core := t.Context(), client.CoreV1()
	pods := core.Pods(namespace)
	var observed []string
	record := func(format string, args ...any) {
		text := uidPattern.ReplaceAllString(strings.ReplaceAll(fmt.Sprintf(format, args...), namespace, "NS"), "UID")
		observed = append(observed, text)
	}
	recordPod := func(what string, pod *corev1.Pod, err error) {
		if err != nil {
			record("%s: %v", what, err)
			return
		}
		var conditions []string
		for _, c := range pod.Status.Conditions {
			conditions = append(conditions, fmt.Sprintf("%s=%s", c.Type, c.Status))
		}
		record("%s: %s %v uid %v rv %v time %v, node %q, deleted %v %d, %s %q %v, policy %s grace %d, spec %s", what, pod.Name, pod.Labels, pod.UID != "",
			pod.ResourceVersion != "", !pod.CreationTimestamp.IsZero(), pod.Spec.NodeName, pod.DeletionTimestamp != nil,
			ptr.Deref(pod.DeletionGracePeriodSeconds, -1), pod.Status.Phase, pod.Status.Message, conditions,
			pod.Spec.RestartPolicy, *pod.Spec.TerminationGracePeriodSeconds, pod.Spec.DNSPolicy+corev1.DNSPolicy(pod.Spec.Containers[0].ImagePullPolicy))
	}
	watcher, err := pods.Watch(ctx, metav1.ListOptions{LabelSelector: "l=a"})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()

	createPod := func(name, label string) *corev1.Pod {
		created, err := pods.Create(ctx, newPod(name, label), metav1.CreateOptions{})
		recordPod("create", created, err)
		return created
	}
	deletePod := func(name string, options metav1.DeleteOptions) {
		record("delete %s: %v", name, pods.Delete(ctx, name, options))
		got, err := pods.Get(ctx, name, metav1.GetOptions{})
		recordPod("get after delete", got, err)
	}
	bind := func(name string) {
		binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: name}, Target: corev1.ObjectReference{Kind: "Node", Name: "nowhere"}}
		record("bind %s: %v", name, pods.Bind(ctx, binding, metav1.CreateOptions{}))
	}
	one := createPod("one", "a")
	createPod("one", "a")
	createPod("two", "b")
	_, err = core.Pods("absent").Create(ctx, newPod("one", "a"), metav1.CreateOptions{})
	record("create in an absent namespace: %v", err)
	for _, selector := range []string{"l=a", "l in (a,b)", "l!=a", "l,x!=y", ""} {
		list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: selector})
		var names []string
		for _, pod := range list.Items {
			names = append(names, pod.Name)
		}
		record("list %s: %v %v", selector, names, err)
	}
	bind("absent")
	bind("one")
	bind("one")

	patch := func(name, body string) {
		patched, err := pods.Patch(ctx, name, types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{})
		if err != nil {
			record("patch %s: %v", body, err)
			return
		}
		record("patch %s: deadline %d, annotation %q", body, ptr.Deref(patched.Spec.ActiveDeadlineSeconds, -1), patched.Annotations["a"])
	}
	patch("absent", `{"spec":{"activeDeadlineSeconds":9}}`)
	patch("two", `{"metadata":{"uid":"00000000-0000-0000-0000-000000000000"},"spec":{"activeDeadlineSeconds":9}}`)
	patch("two", `{"metadata":{"annotations":{"a":"b"}}}`)
	patch("two", `{"spec":{"activeDeadlineSeconds":9}}`)
	patch("two", `{"spec":{"activeDeadlineSeconds":1}}`)
	patch("two", `{"metadata":{"annotations":{"a":null}}}`)
	patch("two", `not JSON`)
	// Only the first problem is compared: a real API server checks a pod several times
	// and reports more.
	recordInvalid := func(what string, err error) {
		_, first, _ := strings.Cut(fmt.Sprint(err), "spec.activeDeadlineSeconds: ")
		first, _, _ = strings.Cut(first, ", spec")
		record("%s: %v %s", what, apierrors.IsInvalid(err), strings.TrimSuffix(first, "]"))
	}
	for _, deadline := range []string{"2", "null", "0", "-1", "4294967296"} {
		_, err = pods.Patch(ctx, "two", types.StrategicMergePatchType, []byte(`{"spec":{"activeDeadlineSeconds":`+deadline+`}}`), metav1.PatchOptions{})
		recordInvalid("deadline "+deadline, err)
	}
	two, err := pods.Get(ctx, "two", metav1.GetOptions{})
	recordPod("get", two, err)
	two.Spec.ActiveDeadlineSeconds = ptr.To[int64](3)
	_, err = pods.Update(ctx, two, metav1.UpdateOptions{})
	recordInvalid("an update to a later deadline", err)

	service := func(name, label string) {
		created, err := core.Services(namespace).Create(ctx, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"l": label}},
			Spec:       corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"l": label}, Ports: []corev1.ServicePort{{Port: 80}}},
		}, metav1.CreateOptions{})
		record("service %s: %v %v %v", name, err == nil && created.UID != "", apierrors.IsInvalid(err), apierrors.IsAlreadyExists(err))
	}
	service("web", "a")
	service("web", "a")
	service("other", "b")
	service("not.a.label", "a")
	service("label", "not a value")
	services, err := core.Services(namespace).List(ctx, metav1.ListOptions{LabelSelector: "l=a"})
	record("services: %d %v", len(services.Items), err)
	got, err := core.Services(namespace).Get(ctx, "web", metav1.GetOptions{})
	record("get service: %s %s %v %v", got.Name, got.Spec.ClusterIP, got.Spec.Selector, err)
	record("delete a service with another UID: %v", core.Services(namespace).Delete(ctx, "web",
		metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: ptr.To(types.UID("00000000-0000-0000-0000-000000000000"))}}))
	record("delete service: %v", core.Services(namespace).Delete(ctx, "web", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &got.UID}}))
	_, err = core.Services(namespace).Get(ctx, "web", metav1.GetOptions{})
	record("get the deleted service: %v", err)

	_, err = pods.UpdateStatus(ctx, withPhase(one, corev1.PodRunning), metav1.UpdateOptions{})
	record("stale status: %v", err)
	one, err = pods.Get(ctx, "one", metav1.GetOptions{})
	recordPod("get", one, err)
	one, err = pods.UpdateStatus(ctx, withPhase(one, corev1.PodRunning), metav1.UpdateOptions{})
	recordPod("status", one, err)
	again, err := pods.UpdateStatus(ctx, one, metav1.UpdateOptions{})
	record("update without a change: %v %v", again.ResourceVersion == one.ResourceVersion, err)
	one.Labels["l"], one.Status.Phase = "b", corev1.PodFailed
	one, err = pods.Update(ctx, one, metav1.UpdateOptions{})
	recordPod("remove the label", one, err)
	one.Labels["l"] = "a"
	one, err = pods.Update(ctx, one, metav1.UpdateOptions{})
	recordPod("restore the label", one, err)

	unlabeled := withPhase(one, corev1.PodRunning)
	unlabeled.Labels, unlabeled.ResourceVersion = nil, ""
	one, err = pods.UpdateStatus(ctx, unlabeled, metav1.UpdateOptions{})
	recordPod("status without labels", one, err)
	one.Labels = map[string]string{"l": "a"}
	one, err = pods.UpdateStatus(ctx, one, metav1.UpdateOptions{})
	recordPod("status with labels", one, err)

	deletePod("one", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: ptr.To(types.UID("00000000-0000-0000-0000-000000000000"))}})
	deletePod("one", metav1.DeleteOptions{})
	bind("one")
	deletePod("one", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](50)})
	deletePod("one", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](5)})
	deletePod("one", metav1.DeleteOptions{})
	deletePod("one", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0), Preconditions: &metav1.Preconditions{UID: &one.UID}})
	deletePod("one", metav1.DeleteOptions{})
	deletePod("two", metav1.DeleteOptions{})

	for _, name := range []string{"three", "four", "five"} {
		createPod(name, "a")
	}
	createPod("six", "b")
	bind("four")
	bind("five")
	five, err := pods.Get(ctx, "five", metav1.GetOptions{})
	recordPod("get", five, err)
	_, err = pods.UpdateStatus(ctx, withPhase(five, corev1.PodSucceeded), metav1.UpdateOptions{})
	record("set the phase Succeeded: %v", err)
	record("delete collection: %v", pods.DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](7)}, metav1.ListOptions{LabelSelector: "l=a"}))
	remaining, err := pods.List(ctx, metav1.ListOptions{})
	for i := range remaining.Items {
		recordPod("remaining", &remaining.Items[i], err)
	}
	_, err = core.ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "Bad_Name"}}, metav1.CreateOptions{})
	record("bad name: %v", err)
	withMount := newPod("mounts", "c")
	withMount.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "absent", MountPath: "/x"}}
	_, err = pods.Create(ctx, withMount, metav1.CreateOptions{})
	record("mount of an absent volume: %v", err)
	_, err = pods.GetLogs("absent", &corev1.PodLogOptions{}).Stream(ctx)
	record("logs of an absent pod: %v", err)
	_, err = pods.GetLogs("six", &corev1.PodLogOptions{Container: "other"}).Stream(ctx)
	record("logs of an absent container: %v", err)

	// The event of this last pod shows that the watch has sent all events before it.
	createPod("end", "a")
	timeout, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		select {
		case event := <-watcher.ResultChan():
			pod := event.Object.(*corev1.Pod)
			recordPod("watch event "+string(event.Type), pod, nil)
			if pod.Name == "end" {
				return observed
			}
		case <-timeout.Done():
			t.Fatal("timed out waiting for the watch event of the last pod")
		}
	}
}

func withPhase(pod *corev1.Pod, phase corev1.PodPhase) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Status.Phase = phase
	return pod
}

// The fake cluster gives the same answers and watch events as a real API server.
func TestParityWithRealAPIServer(t *testing.T) {
	server := apiserver.ForTest(t)
	want := runSteps(t, server.Client, server.Namespace(t))
	client := fakecluster.New(fakecluster.Options{}).Client()
	name := "fake-" + string(uuid.NewUUID())[:8]
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, runSteps(t, client, name)); diff != "" {
		t.Errorf("a real API server (-) and the fake cluster (+) differ:\n%s", diff)
	}
}
