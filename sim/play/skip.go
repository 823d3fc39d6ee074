package play

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// skipReason returns why a scenario cannot be played with these options; "" if it
// can.
func skipReason(file *scenario.File, options Options) string {
	if reason := skippedByLevel(file, options); reason != "" {
		return reason
	}
	switch {
	case options.InterLink && asksForTailAndBytes(file):
		return "it asks for the last lines and the first bytes of a log at once, which InterLink itself refuses (LOGS-8)"
	case options.Plugin != "" && len(file.Plugin) > 0 && !isCapability(file, options):
		return "it sets options of this plugin, and the plugin that runs has others"
	case options.Plugin != "" && len(file.RemoteSetup.SlowCreates) > 0:
		return "it delays what the plugin creates, and the plugin that runs has its own connection to the remote cluster"
	case len(file.RemoteSetup.Quota) > 0 && (options.Plugin != "" || !options.simulatesNodes()):
		return "it sets a quota, and needs simulated nodes and the simulator's own plugin"
	case len(file.RemoteSetup.Node) > 0 && (options.Plugin != "" || !options.simulatesNodes()):
		return "it creates a node, and needs simulated nodes and the simulator's own plugin"
	case file.NamespaceTemplate != "" && (options.Plugin != "" || !options.simulatesNodes()):
		return "it sets a namespace template, and needs simulated nodes and the simulator's own plugin"
	case file.RemoteSetup.MadeBy+file.RemoteSetup.MadeFor != "" && len(file.RemoteSetup.Claims) == 0 && options.Plugin != "" && options.Client == nil:
		return "it needs namespaces in the remote cluster, and the options name no remote cluster"
	case len(file.RemoteSetup.Claims) > 0 && options.Plugin != "" && options.Client == nil:
		return "it needs claims in the remote cluster, and the options name no remote cluster"
	case len(file.RemoteSetup.RuntimeClasses) > 0 && options.Plugin != "" && options.Client == nil:
		return "it needs runtime classes in the remote cluster, and the options name no remote cluster"
	}
	if options.simulatesNodes() {
		return ""
	}
	for i := range file.Pods {
		pod := &file.Pods[i]
		behavior := file.Nodes[file.Key(pod.Namespace, pod.Name)]
		if behavior.Schedule.Duration > 0 {
			return "it needs simulated nodes: a pod waits for its node"
		}
		if slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Image != nil }) && !mountsImages(options.Client) {
			return "it needs simulated nodes: a pod mounts an image, and the remote cluster cannot, or is not known"
		}
		for _, event := range behavior.Events {
			switch {
			case event.LoseNode:
				return "it needs simulated nodes: a node is lost"
			case event.Evict != "" && !hasStorageLimit(pod):
				return "it needs simulated nodes: a pod without a storage limit is evicted"
			case event.Delete && options.Client == nil:
				return "it deletes a remote pod, and the options name no remote cluster"
			}
		}
	}
	return ""
}

// skippedByLevel returns why a scenario judges other plugins than that of the options; ""
// if it judges this one.
func skippedByLevel(file *scenario.File, options Options) string {
	if len(options.Levels) > 0 && !slices.Contains(options.Levels, file.Level) {
		return fmt.Sprintf("its level is %s, which was not asked for", file.Level)
	}
	for _, capability := range file.Capabilities {
		if !options.declares(capability) {
			return fmt.Sprintf("the profile of the plugin does not declare %s", capability)
		}
	}
	if options.Plugin == "" {
		return ""
	}
	profile := options.profile()
	if profile.Restart == "" && (restartsPlugin(file) || slices.Contains(file.Capabilities, scenario.CapabilityPluginRestart)) {
		return "the profile has no command that restarts the plugin"
	}
	isUnschedulable := func(pod scenario.Pod) bool { return pod.Unschedulable != "" && pod.Schedule.Duration == 0 }
	if !options.comparesAll() && file.Level == scenario.LevelCore && len(profile.ImpossibleRequest) == 0 && slices.ContainsFunc(slices.Collect(maps.Values(file.Nodes)), isUnschedulable) {
		return "the profile names no request that cannot be met"
	}
	return ""
}

// isCapability reports whether the options of this plugin that a scenario sets are those of a
// capability: another plugin that declares the capability has it in its own way.
func isCapability(file *scenario.File, options Options) bool {
	return file.Level == scenario.LevelOptional && len(options.Levels) > 0
}

// asksForTailAndBytes reports whether a scenario requests a log in a way that InterLink
// answers itself (docs/contract.md, LOGS-8).
func asksForTailAndBytes(file *scenario.File) bool {
	for _, pod := range file.Expect.Pods {
		if slices.ContainsFunc(pod.Logs, func(l scenario.LogExpectation) bool { return l.Tail != 0 && l.Bytes != 0 }) {
			return true
		}
	}
	return false
}

// hasStorageLimit reports whether a real kubelet can evict a pod because it writes
// more than an emptyDir, or its ephemeral storage, may hold.
func hasStorageLimit(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.EmptyDir != nil && v.EmptyDir.SizeLimit != nil }) ||
		slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return !c.Resources.Limits.StorageEphemeral().IsZero() })
}
