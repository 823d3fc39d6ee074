package podstate_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
)

func TestFind(t *testing.T) {
	statuses := []corev1.ContainerStatus{{Name: "first"}, {Name: "second"}}
	for i := range statuses {
		if got := podstate.Find(statuses, statuses[i].Name); got != &statuses[i] {
			t.Errorf("Find(%s) = %v", statuses[i].Name, got)
		}
	}
	if got := podstate.Find(statuses, "third"); got != nil {
		t.Errorf("Find(third) = %v", got)
	}
}

func TestIsSidecar(t *testing.T) {
	for policy, want := range map[*corev1.ContainerRestartPolicy]bool{
		nil: false,
		ptr.To(corev1.ContainerRestartPolicyAlways): true,
		ptr.To(corev1.ContainerRestartPolicyNever):  false,
	} {
		if got := podstate.IsSidecar(corev1.Container{RestartPolicy: policy}); got != want {
			t.Errorf("IsSidecar with restart policy %v = %v", ptr.Deref(policy, "unset"), got)
		}
	}
}
