package plugin_test

import (
	"encoding/json"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// A create waits for a status request, which has the pod as the user wrote it, and the remote
// pod has what the user meant: its own address, and a number where a resource is meant.
func TestCreateWaitsForTheOriginal(t *testing.T) {
	h := start(t)
	request := podOf("waits", busybox("main"))
	original := request.Pod.DeepCopy()
	main := &original.Spec.Containers[0]
	main.Env = []corev1.EnvVar{
		{Name: "IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
		{Name: "WHERE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.hostIP"}}},
		{Name: "GOMEMLIMIT", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory"}}},
	}
	request.Pod.ManagedFields = []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{"f:env":{` +
		`"k:{\"name\":\"IP\"}":{"f:valueFrom":{"f:fieldRef":{}}},"k:{\"name\":\"WHERE\"}":{"f:valueFrom":{"f:fieldRef":{}}},` +
		`"k:{\"name\":\"GOMEMLIMIT\"}":{"f:valueFrom":{"f:resourceFieldRef":{}}}}}}}}`)}}
	request.Pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "IP", Value: "127.0.0.1"}, {Name: "WHERE"}, {Name: "GOMEMLIMIT", Value: "1Gi"}}

	body, err := json.Marshal(request)
	h.must(err)
	created := make(chan int, 1)
	go func() { code, _ := h.call(http.MethodPost, "/create", body); created <- code }()
	// The virtual kubelet asks for the status again and again, also while the create is in
	// flight.
	h.eventually("the create is answered", func() bool {
		h.status(*original, "")
		return len(created) > 0
	})
	if code := testkit.Receive(t, "the answer", created); code != http.StatusOK {
		t.Fatalf("create answered %d", code)
	}
	env := h.remotePod(request.Pod).Spec.Containers[0].Env
	if len(env) != 3 || env[0].ValueFrom == nil || env[0].ValueFrom.FieldRef.FieldPath != "status.podIP" ||
		env[1].ValueFrom == nil || env[1].ValueFrom.FieldRef.FieldPath != "status.hostIP" ||
		env[2].ValueFrom == nil || env[2].ValueFrom.ResourceFieldRef.Resource != "limits.memory" {
		t.Errorf("the remote pod has the variables %+v", env)
	}
}
