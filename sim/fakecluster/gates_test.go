package fakecluster_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
)

// gateSteps sends the same requests about scheduling gates to any cluster and returns
// the answers.
func gateSteps(t *testing.T, client kubernetes.Interface, namespace string) []string {
	ctx, pods := t.Context(), client.CoreV1().Pods(namespace)
	var observed []string
	record := func(what string, pod *corev1.Pod, err error) {
		if status := apierrors.APIStatus(nil); err != nil {
			text := err.Error()
			// A real API server checks a pod several times and reports more: only the first
			// problem is compared.
			if status, _ = err.(apierrors.APIStatus); status != nil && status.Status().Details != nil && len(status.Status().Details.Causes) > 0 {
				cause := status.Status().Details.Causes[0]
				text = fmt.Sprintf("%s %s: %s", status.Status().Reason, cause.Field, cause.Message)
			}
			observed = append(observed, what+": "+text)
			return
		}
		text := fmt.Sprintf("%s: %s %v node %q", what, pod.Status.Phase, pod.Spec.SchedulingGates, pod.Spec.NodeName)
		for _, c := range pod.Status.Conditions {
			text += fmt.Sprintf(" %s=%s %s %q %v", c.Type, c.Status, c.Reason, c.Message, !c.LastTransitionTime.IsZero())
		}
		observed = append(observed, text)
	}
	gated := func(name, node string, gates ...string) {
		pod := newPod(name, "a")
		pod.Spec.NodeName = node
		for _, gate := range gates {
			pod.Spec.SchedulingGates = append(pod.Spec.SchedulingGates, corev1.PodSchedulingGate{Name: gate})
		}
		created, err := pods.Create(ctx, pod, metav1.CreateOptions{})
		record("create "+name, created, err)
	}
	patch := func(body string) {
		patched, err := pods.Patch(ctx, "pod", types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{})
		record("patch "+body, patched, err)
	}
	bind := func() {
		binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "pod"}, Target: corev1.ObjectReference{Kind: "Node", Name: "nowhere"}}
		err := pods.Bind(ctx, binding, metav1.CreateOptions{})
		pod, getErr := pods.Get(ctx, "pod", metav1.GetOptions{})
		if getErr != nil {
			t.Fatal(getErr)
		}
		record("bind", pod, err)
	}
	gated("no-gate", "")
	gated("with-node", "nowhere", "a.example/one")
	gated("twice", "", "a.example/one", "a.example/one")
	gated("no-name", "", "")
	gated("invalid-name", "", "not a name")
	gated("pod", "", "a.example/one", "b.example/two", "c.example/three")
	bind()
	patch(`{"spec":{"schedulingGates":[{"name":"d.example/four"}]}}`)
	patch(`{"metadata":{"uid":"00000000-0000-0000-0000-000000000000"},"spec":{"schedulingGates":[{"$patch":"delete","name":"b.example/two"}]}}`)
	patch(`{"spec":{"schedulingGates":[{"$patch":"delete","name":"b.example/two"}]}}`)
	patch(`{"spec":{"schedulingGates":[{"$patch":"delete","name":"b.example/two"}]}}`)
	pod, err := pods.Get(ctx, "pod", metav1.GetOptions{})
	record("get", pod, err)
	pod.Spec.SchedulingGates[0].Name = "e.example/five"
	updated, err := pods.Update(ctx, pod, metav1.UpdateOptions{})
	record("update with another gate", updated, err)
	pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "c.example/three"}}
	updated, err = pods.Update(ctx, pod, metav1.UpdateOptions{})
	record("update with fewer gates", updated, err)
	bind()
	patch(`{"spec":{"schedulingGates":[{"$patch":"delete","name":"c.example/three"}]}}`)
	patch(`{"spec":{"schedulingGates":[{"name":"c.example/three"}]}}`)
	bind()
	record("delete", pod, pods.Delete(ctx, "pod", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}))
	gated("pod", "", "a.example/one")
	record("delete a gated pod", pod, pods.Delete(ctx, "pod", metav1.DeleteOptions{}))
	_, err = pods.Get(ctx, "pod", metav1.GetOptions{})
	record("get", nil, err)
	return observed
}

// referenceSteps creates and patches objects with owner references that are not valid.
func referenceSteps(t *testing.T, client kubernetes.Interface, namespace string) []string {
	var observed []string
	configMaps := client.CoreV1().ConfigMaps(namespace)
	valid := metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: "p", UID: "u"}
	for i, change := range []func(*metav1.OwnerReference){
		func(r *metav1.OwnerReference) { r.APIVersion = "" },
		func(r *metav1.OwnerReference) { r.APIVersion = "a/b/c" },
		func(r *metav1.OwnerReference) { r.Kind = "" },
		func(r *metav1.OwnerReference) { r.Name = "" },
		func(r *metav1.OwnerReference) { r.UID = "" },
		func(r *metav1.OwnerReference) { r.Kind = "Event" },
	} {
		owner := valid
		change(&owner)
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("c", i), OwnerReferences: []metav1.OwnerReference{owner}}}
		_, err := configMaps.Create(t.Context(), object, metav1.CreateOptions{})
		observed = append(observed, fmt.Sprint(err))
	}
	if _, err := configMaps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "free"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := configMaps.Patch(t.Context(), "free", types.StrategicMergePatchType, []byte(`{"metadata":{"ownerReferences":[{"uid":"u"}]}}`), metav1.PatchOptions{})
	return append(observed, fmt.Sprint(err))
}

// The fake cluster knows the rules of scheduling gates and of owner references.
func TestParityOfGatesAndReferences(t *testing.T) {
	server := apiserver.ForTest(t)
	client := fakecluster.New(fakecluster.Options{}).Client()
	for name, steps := range map[string]func(*testing.T, kubernetes.Interface, string) []string{"gates": gateSteps, "references": referenceSteps} {
		if diff := cmp.Diff(steps(t, server.Client, server.Namespace(t)), steps(t, client, "default")); diff != "" {
			t.Errorf("%s: a real API server (-) and the fake cluster (+) differ:\n%s", name, diff)
		}
	}
}
