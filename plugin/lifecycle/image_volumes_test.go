package lifecycle_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
)

// withoutImages is a cluster whose API server drops volumes from images, as those before Kubernetes 1.35 do.
type withoutImages struct{ *cluster.Cluster }

func (c withoutImages) Create(ctx context.Context, object metav1.Object) (types.UID, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		pod = pod.DeepCopy()
		pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Image != nil })
		pod.Spec.Containers[0].VolumeMounts = slices.DeleteFunc(pod.Spec.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "model" })
		object = pod
	}
	return c.Cluster.Create(ctx, object)
}

// A pod runs with its volumes from images, or not at all.
func TestImageVolumesThatTheRemoteClusterDrops(t *testing.T) {
	e := newEnv(t)
	request := plainRequest()
	spec := &request.Pod.Spec
	spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "model", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "example.org/model:1"}}})
	spec.Containers[0].VolumeMounts = append(spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "model", MountPath: "/model"})

	dropping := lifecycle.New(withoutImages{e.cluster}, e.options)
	_, err := dropping.Create(t.Context(), request)
	if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "cannot mount images, and has left out volume model") {
		t.Errorf("without the volume, Create returns %v", err)
	}
	e.eventually("nothing is left of the pod", func() bool { return len(e.remaining(request)) == 0 })

	e.create(request)
	if pod := e.remotePod(request); !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Image != nil }) {
		t.Errorf("the remote pod has the volumes %v", pod.Spec.Volumes)
	}
}
