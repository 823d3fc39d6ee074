package quotawait_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

// What a create has learned of the variables of a pod from a status request is stored with its
// request: another replica creates the same pod later (docs/contract.md, ENV-17).
func TestOriginalIsStored(t *testing.T) {
	e := newEnv(t, "pods=1")
	first, second := e.request("first", false), e.request("second", false)
	main := &second.Pod.Spec.Containers[0]
	main.Resources.Limits = corev1.ResourceList{"memory": quantities(t, "memory=1Gi")["memory"]}
	main.Env = []corev1.EnvVar{{Name: "GOMEMLIMIT", Value: "1Gi"}}
	second.Pod.ManagedFields = []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(
		`{"f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{"f:env":{"k:{\"name\":\"GOMEMLIMIT\"}":{"f:valueFrom":{"f:resourceFieldRef":{}}}}}}}}`)}}
	original := second.Pod.DeepCopy()
	original.Spec.Containers[0].Env[0] = corev1.EnvVar{Name: "GOMEMLIMIT", ValueFrom: &corev1.EnvVarSource{
		ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory"},
	}}

	r := e.start(func(s *settings) { s.idle = true })
	r.create(first)
	created := make(chan error, 1)
	go func() { _, err := r.Create(t.Context(), second); created <- err }()
	testkit.Eventually(t, "the create waits for the original", func() bool { return r.NeedsOriginal(second.Pod.UID) })
	r.HandOver(original)
	e.must(testkit.Receive(t, "the create is answered", created))
	e.eventuallyHas(append(e.stored(second), e.created(first)...)...)
	r.stop()

	e.start()
	e.end(first)
	var pods *corev1.PodList
	testkit.Eventually(t, "the pod is created", func() bool {
		var err error
		pods, err = e.admin.CoreV1().Pods(e.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: scope.PodSelector(string(second.Pod.UID))})
		e.must(err)
		return len(pods.Items) == 1
	})
	if env := pods.Items[0].Spec.Containers[0].Env; len(env) != 1 || env[0].ValueFrom == nil || env[0].ValueFrom.ResourceFieldRef == nil {
		t.Errorf("the pod has the variables %+v", env)
	}
}
