package lifecycle_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// A user decides how many warnings a pod has: the log has the first of them.
func TestCreateLogsFewWarnings(t *testing.T) {
	e := newEnv(t)
	r := plainRequest()
	for i := range 25 {
		name := fmt.Sprintf("host-%d", i)
		r.Pod.Spec.Volumes = append(r.Pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/tmp"}}})
		r.Pod.Spec.Containers[0].VolumeMounts = append(r.Pod.Spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
	}
	e.create(r)
	log := e.log.String()
	if logged := strings.Count(log, "a part of the pod is not offloaded"); logged != 20 || !strings.Contains(log, "and 5 more parts of the pod are not offloaded") {
		t.Errorf("%d warnings are logged", logged)
	}
}
