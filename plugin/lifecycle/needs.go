package lifecycle

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// HandlePodChange sees to it that a remote pod which cannot come to its end by itself
// does: one whose mesh never came up, and one that only its mesh keeps running. It
// is told of every change and returns at once; the pod is only read.
func (l *Lifecycle) HandlePodChange(pod *corev1.Pod) {
	need := status.NeedOf(pod)
	if need == status.Nothing || pod.Labels[wire.LabelInstance] != l.options.Translate.Scope.Instance {
		return
	}
	if _, busy := l.needs.LoadOrStore(pod.UID, need); busy {
		return
	}
	log := l.log.With("remote", pod.Namespace+"/"+pod.Name, "uid", pod.Labels[wire.LabelPodUID])
	what, job := "end the pod: its mesh network did not come up", func(ctx context.Context) error {
		return l.cluster.FailPod(ctx, pod, wire.AnnotationFailed, status.MeshWords(pod))
	}
	if need == status.Finish {
		what, job = "end the pod's mesh: its own containers have ended", func(ctx context.Context) error {
			return l.cluster.AnnotatePod(ctx, pod, wire.AnnotationFinished, "true")
		}
	}
	l.background.start(log, what, func(ctx context.Context) error {
		err := job(ctx)
		hopeless := errdefs.Is(err, errdefs.Refused) || errdefs.Is(err, errdefs.Invalid)
		if hopeless {
			err = fmt.Errorf("%w until the pod next changes: %w", errHopeless, err)
		}
		if err == nil || hopeless {
			l.needs.Delete(pod.UID)
		}
		return err
	})
}
