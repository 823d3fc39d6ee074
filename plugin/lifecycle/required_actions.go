package lifecycle

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// HandlePodChange ends a remote pod that cannot end by itself: a pod whose mesh
// failed, and a pod that only its mesh container keeps running. It deletes a pod that
// another replica created while its delete arrived at this one. It is called for every
// change of a pod, and returns at once; the retry queue does the work. It does not
// modify the pod.
func (l *Lifecycle) HandlePodChange(pod *corev1.Pod) {
	if pod.Labels[wire.LabelInstance] != l.options.Translate.Scope.Instance {
		return // another installation of the plugin created the pod
	}
	if local := l.inFlight.missed(pod.Labels[wire.LabelPodUID], pod.UID); local != nil && pod.DeletionTimestamp == nil {
		l.retries.add(local.UID, l.deleteMissed(local, pod.UID))
		return
	}
	j := job{log: l.log.With("remote", pod.Namespace+"/"+pod.Name, "uid", pod.Labels[wire.LabelPodUID])}
	var action func(context.Context) error
	switch mesh.RequiredAction(pod) {
	case mesh.NoAction:
		return
	case mesh.StopMesh:
		j.name = "end the pod's mesh: the pod's own containers have ended"
		action = func(ctx context.Context) error {
			return l.cluster.AnnotatePod(ctx, pod, wire.AnnotationFinished, "true")
		}
	default:
		j.name = "end the pod: its mesh network failed"
		action = func(ctx context.Context) error {
			err := l.cluster.FailPod(ctx, pod, wire.AnnotationFailed, mesh.FailureMessage(pod))
			if err == nil {
				l.counters.addMeshFailure()
			}
			return err
		}
	}
	j.run = func(ctx context.Context) error {
		err := action(ctx)
		if errdefs.Is(err, errdefs.NotFound) {
			return nil // the pod is gone
		}
		if errdefs.Is(err, errdefs.Refused) || errdefs.Is(err, errdefs.Invalid) {
			return fmt.Errorf("%w until the pod changes again: %w", errPermanent, err)
		}
		return err
	}
	l.retries.add(pod.UID, j)
}
