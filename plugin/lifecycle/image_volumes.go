package lifecycle

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// checkImageVolumes refuses a pod whose volumes from images do not exist in the remote cluster. An API
// server that cannot have them leaves them out, and their mounts, without a word: the pod would run
// without its files (docs/contract.md, VOL-13). It deletes the pod, whichever create made it: no
// create of this pod can succeed.
func (a *createAttempt) checkImageVolumes(ctx context.Context) error {
	missing := missingImageVolume(a.objects.Pod, a.pod)
	if missing == "" {
		return nil
	}
	err := retry(ctx, func(ctx context.Context) error { return a.lifecycle.cluster.Delete(ctx, a.pod, nil, false) })
	if err != nil && !errdefs.Is(err, errdefs.NotFound) {
		return err
	}
	return errdefs.New(errdefs.Refused, "the remote cluster cannot mount images, and has left out volume %s: this needs Kubernetes 1.35, or 1.33 with the feature gate ImageVolume", missing)
}

// missingImageVolume returns the name of a volume from an image that wanted has and pod does not
// have, or "".
func missingImageVolume(wanted, pod *corev1.Pod) string {
	for _, volume := range wanted.Spec.Volumes {
		has := func(v corev1.Volume) bool { return v.Name == volume.Name && v.Image != nil }
		if volume.Image != nil && !slices.ContainsFunc(pod.Spec.Volumes, has) {
			return volume.Name
		}
	}
	return ""
}
