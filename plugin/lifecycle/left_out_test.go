package lifecycle_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// withoutImages is a cluster whose API server drops volumes from images, as those before Kubernetes 1.35 do.
type withoutImages struct {
	*cluster.Cluster
	created func(*corev1.Pod) // is called with each pod that exists then
}

func (c withoutImages) Create(ctx context.Context, object metav1.Object) (metav1.Object, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return c.Cluster.Create(ctx, object)
	}
	created, err := c.Cluster.Create(ctx, withoutImageVolumes(pod))
	if err == nil {
		c.created(created.(*corev1.Pod))
	}
	return created, err
}

func withoutImageVolumes(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Image != nil })
	pod.Spec.Containers[0].VolumeMounts = slices.DeleteFunc(pod.Spec.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "model" })
	return pod
}

// imageRequest returns a create request for a pod with the files of an image.
func imageRequest() *wire.CreateRequest {
	request := plainRequest()
	spec := &request.Pod.Spec
	spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "model", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "example.org/model:1"}}})
	spec.Containers[0].VolumeMounts = append(spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "model", MountPath: "/model"})
	return request
}

// imageVolumesSince is the minor release of Kubernetes from which on volumes from images need no feature gate.
const imageVolumesSince = 35

const cannotMountImages = "cannot mount images, and has left out volume model"

// A pod runs with its volumes from images, or not at all: no kubelet can start it before the plugin has seen that
// they are there.
func TestImageVolumesThatTheRemoteClusterDrops(t *testing.T) {
	e := newEnv(t)
	request := imageRequest()
	dropping := lifecycle.New(withoutImages{e.cluster, func(pod *corev1.Pod) {
		if len(pod.Spec.SchedulingGates) == 0 {
			t.Error("a pod without the files of its image can be scheduled")
		}
	}}, e.options)
	_, err := dropping.Create(t.Context(), request)
	if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), cannotMountImages) {
		t.Errorf("without the volume, Create returns %v", err)
	}
	e.eventually("nothing is left of the pod", func() bool { return len(e.remaining(request)) == 0 })

	e.faults.set(nil)
	if apiserver.ForTest(t).Minor(t) < imageVolumesSince { // it is such an API server itself
		if _, err := e.Create(t.Context(), request); !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), cannotMountImages) {
			t.Errorf("on an older API server, Create returns %v", err)
		}
		return
	}
	e.create(request)
	if calls := e.faults.seen(); slices.Contains(calls, "GET pods/name") { // the answer to the create has the volumes
		t.Errorf("Create sent %v", calls)
	}
	pod := e.remotePod(request)
	if !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Image != nil }) || len(pod.Spec.SchedulingGates) > 0 {
		t.Errorf("the remote pod has the volumes %v and the gates %v", pod.Spec.Volumes, pod.Spec.SchedulingGates)
	}
}

// A plugin that stops after it has created a pod leaves it. The create that is repeated looks at its volumes, too, and
// deletes a pod that lacks one.
func TestRepeatedCreateLooksAtImageVolumes(t *testing.T) {
	for _, test := range []struct {
		name                     string
		dropped, gated, isCached bool
	}{
		{"dropped", true, true, true},
		{"dropped, and not cached", true, true, false},
		{"dropped, and without a gate", true, false, true},
		{"there", false, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEnv(t)
			e.createNamespace()
			request := imageRequest()
			objects, err := translate.ToObjects(request, e.options.Translate)
			e.must(err)
			pod := objects.Pod
			if test.dropped {
				pod = withoutImageVolumes(pod)
			}
			if !test.gated {
				pod.Spec.SchedulingGates = nil
			}
			_, err = e.admin.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{})
			e.must(err)
			l := e.replica(emptyCache{e.cluster})
			if test.isCached {
				l = e.Lifecycle
				e.eventually("the pod cache has the pod", func() bool { return e.cluster.CachedPod(string(request.Pod.UID)) != nil })
			}

			_, err = l.Create(t.Context(), request)
			if !test.dropped && apiserver.ForTest(t).Minor(t) >= imageVolumesSince {
				e.must(err)
				if gates := e.remotePod(request).Spec.SchedulingGates; len(gates) > 0 {
					t.Errorf("the pod still has the gates %v", gates)
				}
				return
			}
			if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), cannotMountImages) {
				t.Errorf("without the volume, Create returns %v", err)
			}
			e.eventually("nothing is left of the pod", func() bool { return len(e.remaining(request)) == 0 })
		})
	}
}

// withoutSidecars is a cluster whose API server drops the restart policy of containers, as those before Kubernetes
// 1.29 do.
type withoutSidecars struct{ *cluster.Cluster }

func (c withoutSidecars) Create(ctx context.Context, object metav1.Object) (metav1.Object, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		pod = pod.DeepCopy()
		for i := range pod.Spec.InitContainers {
			pod.Spec.InitContainers[i].RestartPolicy = nil
		}
		object = pod
	}
	return c.Cluster.Create(ctx, object)
}

// A pod with a native sidecar would wait for ever on a cluster that has none: it is refused, and nothing is left. A
// pod with init containers that end runs there.
func TestNativeSidecarsThatTheRemoteClusterDrops(t *testing.T) {
	e := newEnv(t)
	always := corev1.ContainerRestartPolicyAlways
	sidecar, plain := plainRequest(), plainRequest()
	for _, request := range []*wire.CreateRequest{sidecar, plain} {
		request.Pod.Spec.InitContainers = []corev1.Container{{Name: "before", Image: "busybox:1.37"}}
	}
	sidecar.Pod.Spec.InitContainers = append(sidecar.Pod.Spec.InitContainers, corev1.Container{Name: "proxy", Image: "busybox:1.37", RestartPolicy: &always})
	old := lifecycle.New(withoutSidecars{e.cluster}, e.options)
	_, err := old.Create(t.Context(), sidecar)
	if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "has no native sidecars, and would wait until init container proxy ends") {
		t.Errorf("without native sidecars, Create returns %v", err)
	}
	e.eventually("nothing is left of the pod", func() bool { return len(e.remaining(sidecar)) == 0 })
	if _, err := old.Create(t.Context(), plain); err != nil {
		t.Error(err)
	}
	e.create(sidecar) // on this cluster, which has them
}
