package serve

import (
	"fmt"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// behaviors are what the nodes do with the pods of scenarios, by namespace and name of the
// local pod. Several scenarios may have pods of one name.
type behaviors map[types.NamespacedName][]candidate

// candidate is a pod of a scenario.
type candidate struct {
	pod      *corev1.Pod
	behavior scenario.Pod
	path     string // of the scenario
}

// newBehaviors returns the behaviors of all pods of scenarios. skip is called for each
// scenario that cannot be told from an earlier one by a pod.
func newBehaviors(files []*scenario.File, skip func(file *scenario.File, reason string)) behaviors {
	all := behaviors{}
	for _, file := range files {
		added := map[types.NamespacedName]candidate{}
		reason := ""
		for i := range file.Pods {
			pod := &file.Pods[i]
			name := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
			for _, other := range all[name] {
				if containersOf(pod) == containersOf(other.pod) {
					reason = fmt.Sprintf("pod %s is the same as in %s", name, other.path)
				}
			}
			added[name] = candidate{pod, file.Nodes[file.Key(pod.Namespace, pod.Name)], file.Path}
		}
		if reason != "" {
			skip(file, reason)
			continue
		}
		for name, c := range added {
			all[name] = append(all[name], c)
		}
	}
	return all
}

// of returns what the nodes do with a remote pod. The plugin may have added containers to
// it, and left some out.
func (b behaviors) of(remote *corev1.Pod) scenario.Pod {
	localPod := types.NamespacedName{Namespace: remote.Annotations[wire.AnnotationSourceNamespace], Name: remote.Annotations[wire.AnnotationSourceName]}
	best, behavior := math.MinInt, scenario.Pod{}
	for _, c := range b[localPod] {
		all, same := allContainers(c.pod), 0
		for _, container := range all {
			if slices.ContainsFunc(allContainers(remote), func(r corev1.Container) bool { return describe(r) == describe(container) }) {
				same++
			}
		}
		if points := 2*same - len(all); points > best {
			best, behavior = points, c.behavior
		}
	}
	return behavior
}

func allContainers(pod *corev1.Pod) []corev1.Container {
	return slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
}

// containersOf describes the containers of a pod.
func containersOf(pod *corev1.Pod) string {
	var all []string
	for _, c := range allContainers(pod) {
		all = append(all, describe(c))
	}
	return strings.Join(all, "; ")
}

// describe returns what tells a container from others. The plugin may write $ twice, so that
// it means itself.
func describe(c corev1.Container) string {
	return strings.ReplaceAll(fmt.Sprintf("%s %s %q %q", c.Name, c.Image, c.Command, c.Args), "$$", "$")
}
