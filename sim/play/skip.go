package play

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// skipped says why a scenario cannot be played as the replay is set up; "" if it
// can.
func skipped(file *scenario.File, options Options) string {
	switch {
	case options.Plugin != "" && len(file.Plugin) > 0:
		return "it needs other options of this plugin than those of the one that runs"
	case len(file.Site.Claims) > 0 && options.Plugin != "" && options.Client == nil:
		return "it needs claims in a remote cluster, and nobody said where that is"
	}
	if options.PlayNodes || options.Plugin == "" && options.Client == nil {
		return ""
	}
	for i := range file.Pods {
		pod := &file.Pods[i]
		played := file.Nodes[file.Key(pod.Namespace, pod.Name)]
		if played.Schedule.Duration > 0 {
			return "it needs nodes that are played: a pod waits for its node"
		}
		for _, event := range played.Events {
			switch {
			case event.LoseNode:
				return "it needs nodes that are played: a node is lost"
			case event.Evict != "" && !exceeds(pod):
				return "it needs nodes that are played: a pod is evicted that exceeds no limit"
			case event.Delete && options.Client == nil:
				return "it needs a remote cluster to delete a pod from, and nobody said where that is"
			}
		}
	}
	return ""
}

// exceeds says whether a real kubelet may evict a pod for what it writes: for
// more than an emptyDir or the pod's ephemeral storage may hold.
func exceeds(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.EmptyDir != nil && v.EmptyDir.SizeLimit != nil }) ||
		slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return !c.Resources.Limits.StorageEphemeral().IsZero() })
}
