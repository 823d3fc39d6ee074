package policy_test

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// FuzzJudge checks that no pod makes the judgment panic, that a standard forbids what a weaker
// one forbids, and that the judgment changes no pod.
func FuzzJudge(f *testing.F) {
	for _, spec := range []corev1.PodSpec{
		{HostNetwork: true, HostUsers: ptr.To(false)},
		{Containers: []corev1.Container{{Name: "main", SecurityContext: &corev1.SecurityContext{Privileged: ptr.To(true)}}}},
		{InitContainers: []corev1.Container{{Name: "a", Ports: []corev1.ContainerPort{{HostPort: 1}}}}, OS: &corev1.PodOS{Name: corev1.Windows}},
		{Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}},
	} {
		body, err := json.Marshal(spec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		pod := &corev1.Pod{}
		if json.Unmarshal(body, &pod.Spec) != nil {
			return
		}
		before, err := json.Marshal(pod)
		if err != nil {
			return // a quantity that no API server accepts
		}
		none, some, most := judge(t, pod, config.PodSecurityPrivileged), judge(t, pod, baseline), judge(t, pod, restricted)
		if none != "" || some != "" && most == "" {
			t.Errorf("%s: privileged %q, baseline %q, restricted %q", body, none, some, most)
		}
		if after, err := json.Marshal(pod); err != nil || string(after) != string(before) {
			t.Errorf("the judgment changes %s to %s (%v)", before, after, err)
		}
	})
}
