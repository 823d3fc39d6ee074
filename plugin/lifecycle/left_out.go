package lifecycle

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// checkLeftOut refuses a pod if the remote API server has left out parts that it does not know, without a
// word: the pod would run without the files of an image (docs/contract.md, VOL-13), or would wait for ever
// for a sidecar to end. It deletes the pod, whichever create made it: no create of this pod can succeed.
func (a *createAttempt) checkLeftOut(ctx context.Context) error {
	var refusal error
	switch volume, sidecar := missingImageVolume(a.objects.Pod, a.pod), missingSidecar(a.objects.Pod, a.pod); {
	case volume != "":
		refusal = errdefs.New(errdefs.Refused, "the remote cluster cannot mount images, and has left out volume %s: this needs Kubernetes 1.35, or 1.33 with the feature gate ImageVolume", volume)
	case sidecar != "":
		refusal = errdefs.New(errdefs.Refused, "the remote cluster has no native sidecars, and would wait until init container %s ends: this needs Kubernetes 1.29", sidecar)
	default:
		return nil
	}
	err := retry(ctx, func(ctx context.Context) error { return a.lifecycle.cluster.Delete(ctx, a.pod, nil, false) })
	if err != nil && !errdefs.Is(err, errdefs.NotFound) {
		return err
	}
	return refusal
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

// missingSidecar returns the name of a native sidecar of wanted that is a plain init container in pod, or
// "": API servers before Kubernetes 1.29 leave out the restart policy of a container
// (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/).
func missingSidecar(wanted, pod *corev1.Pod) string {
	for i := range wanted.Spec.InitContainers {
		want := &wanted.Spec.InitContainers[i]
		isPlain := func(c corev1.Container) bool { return c.Name == want.Name && c.RestartPolicy == nil }
		if want.RestartPolicy != nil && slices.ContainsFunc(pod.Spec.InitContainers, isPlain) {
			return want.Name
		}
	}
	return ""
}
