package lifecycle

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// checkImageVolumes refuses a pod whose volumes from images do not exist in the remote cluster. An API
// server that cannot have them leaves them out, and their mounts, without a word: the pod would run
// without its files (docs/contract.md, VOL-13).
func (a *createAttempt) checkImageVolumes(ctx context.Context) error {
	wanted := a.objects.Pod
	if !slices.ContainsFunc(wanted.Spec.Volumes, isImage) {
		return nil
	}
	return retry(ctx, func(ctx context.Context) error {
		pod, err := a.lifecycle.cluster.Pod(ctx, wanted.Namespace, wanted.Name)
		switch {
		case errdefs.Is(err, errdefs.NotFound):
			return errPodGone
		case err != nil:
			return err
		}
		for _, volume := range wanted.Spec.Volumes {
			has := func(v corev1.Volume) bool { return v.Name == volume.Name && isImage(v) }
			if isImage(volume) && !slices.ContainsFunc(pod.Spec.Volumes, has) {
				return errdefs.New(errdefs.Refused, "the remote cluster cannot mount images, and has left out volume %s: this needs Kubernetes 1.35, or 1.33 with the feature gate ImageVolume", volume.Name)
			}
		}
		return nil
	})
}

func isImage(volume corev1.Volume) bool { return volume.Image != nil }
