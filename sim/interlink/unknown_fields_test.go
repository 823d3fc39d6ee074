package interlink

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// InterLink reads pods with the API of Kubernetes 1.33, so that no call has a younger field
// (docs/contract.md, CREATE-20).
func TestUnknownFields(t *testing.T) {
	options := Options{Clock: time.Now}
	young := []string{"hostnameOverride", "schedulingGroup", "evictionResponders", "restartPolicyRules", "bindMountOptions", "fileKeyRef"}
	pod := Admit(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "app", ManagedFields: []metav1.ManagedFieldsEntry{}},
		Spec: corev1.PodSpec{
			HostnameOverride:   ptr.To("host"),
			SchedulingGroup:    &corev1.PodSchedulingGroup{PodGroupName: ptr.To("gang")},
			EvictionResponders: []corev1.EvictionResponder{{Name: "example.org/checkpoint"}},
			Containers: []corev1.Container{{
				Name: "main", RestartPolicyRules: []corev1.ContainerRestartRule{{Action: "Restart"}},
				VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/v", BindMountOptions: []string{"noexec"}}},
				Env:          []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{FileKeyRef: &corev1.FileKeySelector{VolumeName: "v", Path: "p", Key: "k"}}}},
			}},
			Volumes: []corev1.Volume{{Name: "v"}},
		},
	}, options)
	admitted, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := json.Marshal(WithInitialStatus(pod, options))
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range young {
		if !strings.Contains(string(admitted), field) {
			t.Errorf("the local API server has dropped %s", field)
		}
		if strings.Contains(string(sent), field) {
			t.Errorf("a call has %s", field)
		}
	}
}
