package translate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// remoteSite is a namespace of the remote cluster with controllers of other people.
type remoteSite struct {
	t         *testing.T
	client    kubernetes.Interface
	namespace string
}

// create creates the remote pod of a local pod with these labels.
func (s *remoteSite) create(name string, labels map[string]string, options translate.Options) {
	s.t.Helper()
	options.Scope = scope.Scope{Namespace: s.namespace, Instance: "default"}
	request := &wire.CreateRequest{Pod: corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "demo", UID: types.UID("uid-of-" + name), Labels: labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}}
	objects, err := translate.ToObjects(request, options)
	if err != nil {
		s.t.Fatal(err)
	}
	objects.Pod.Name, objects.Pod.Spec.NodeName = name, "node" // a Service has only pods of nodes that exist
	pod, err := s.client.CoreV1().Pods(s.namespace).Create(s.t.Context(), objects.Pod, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	// The status makes it a target of Services. A controller may have deleted the pod by now.
	pod.Status.Phase, pod.Status.PodIP, pod.Status.PodIPs = corev1.PodRunning, "10.0.0.1", []corev1.PodIP{{IP: "10.0.0.1"}}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if _, err := s.client.CoreV1().Pods(s.namespace).UpdateStatus(s.t.Context(), pod, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		s.t.Fatal(err)
	}
}

// owner returns the kind of the controller that has adopted a pod.
func (s *remoteSite) owner(name string) string {
	s.t.Helper()
	pod, err := s.client.CoreV1().Pods(s.namespace).Get(s.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "controller that has deleted it"
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if owner := metav1.GetControllerOf(pod); owner != nil {
		return owner.Kind
	}
	return ""
}

// targets returns the names of the pods behind a Service.
func (s *remoteSite) targets(service string) []string {
	s.t.Helper()
	list, err := s.client.DiscoveryV1().EndpointSlices(s.namespace).List(s.t.Context(), metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + service})
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, slice := range list.Items {
		for _, endpoint := range slice.Endpoints {
			names = append(names, endpoint.TargetRef.Name)
		}
	}
	return names
}

// TestNoControllerAdoptsARemotePod creates pods with the labels that a ReplicaSet, a Job and
// a Service of the remote namespace select. With [config.CarryLabels] and without a list of
// dropped metadata, each gets hold of its pod: that shows that the others had their chance,
// since their pods were there before.
func TestNoControllerAdoptsARemotePod(t *testing.T) {
	server, err := apiserver.StartWithControllers(t.Context(), t.Logf, "--controllers="+strings.Join([]string{
		"namespace-controller", "serviceaccount-controller", "replicaset-controller", "job-controller", "endpointslice-controller",
	}, ","))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	site := &remoteSite{t: t, client: server.Client, namespace: server.Namespace(t)}
	ctx := t.Context()
	if _, err := site.client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	template := func(app string) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}},
			Spec:       corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways, Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
		}
	}

	_, err = site.client.AppsV1().ReplicaSets(site.namespace).Create(ctx, &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: ptr.To[int32](5), Template: template("web"), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	jobTemplate := template("job")
	jobTemplate.Spec.RestartPolicy = corev1.RestartPolicyNever
	job, err := site.client.BatchV1().Jobs(site.namespace).Create(ctx, &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "job"},
		Spec:       batchv1.JobSpec{Parallelism: ptr.To[int32](5), Completions: ptr.To[int32](5), Template: jobTemplate},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = site.client.CoreV1().Services(site.namespace).Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "front"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"tier": "front"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	labels := map[string]map[string]string{
		"replicaset": {"app": "web"},
		"job": {
			"app": "job", "batch.kubernetes.io/controller-uid": string(job.UID), "controller-uid": string(job.UID),
			"batch.kubernetes.io/job-name": "job", "job-name": "job",
		},
		"service": {"tier": "front"},
	}
	defaults := config.Defaults().Offloading
	var carrying translate.Options
	carrying.Labels = config.CarryLabels
	for kind, l := range labels {
		site.create("prefixed-"+kind, l, translate.Options{Offloading: defaults})
		// In a namespace that the plugin created, only the list keeps a Job from the pod.
		if kind == "job" {
			site.create("own-namespace-job", l, translate.Options{Offloading: defaults, OwnNamespace: true})
		}
		site.create("carried-"+kind, l, carrying)
	}
	testkit.Eventually(t, "the ReplicaSet adopts the pod that carries its label", func() bool { return site.owner("carried-replicaset") != "" })
	testkit.Eventually(t, "the Job adopts the pod that carries its labels", func() bool { return site.owner("carried-job") != "" })
	testkit.Eventually(t, "the Service selects the pod that carries its label", func() bool { return slices.Contains(site.targets("front"), "carried-service") })
	for _, name := range []string{"prefixed-replicaset", "prefixed-job", "own-namespace-job"} {
		if kind := site.owner(name); kind != "" {
			t.Errorf("pod %s was adopted by a %s", name, kind)
		}
	}
	if targets := site.targets("front"); len(targets) != 1 {
		t.Errorf("the Service has the pods %s", fmt.Sprint(targets))
	}
}
