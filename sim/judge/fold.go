package judge

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// precede puts a difference behind the one that explains it.
func (d *Difference) precede(other Difference) {
	d.FollowOns = append(append(d.FollowOns, other.String()), other.FollowOns...)
}

// fold puts differences that follow from an unexpected refusal behind it. causes are the
// refusals, in any order with the other differences.
func fold(file *scenario.File, found []Difference, refused map[string]bool) []Difference {
	if len(refused) == 0 {
		return found
	}
	at := map[string]int{} // where the refusal of a pod is in the result
	var folded []Difference
	for _, d := range found {
		if key := d.pod; refused[key] {
			if _, known := at[key]; !known { // the refusal comes first
				at[key] = len(folded)
				folded = append(folded, d)
				continue
			}
			folded[at[key]].precede(d)
			continue
		}
		if first, explained := explainedBy(file, d, at); explained {
			folded[first].precede(d)
			continue
		}
		folded = append(folded, d)
	}
	return folded
}

// explainedBy returns the refusal that a difference without a pod follows from: if nothing else
// than refused pods could have caused it.
func explainedBy(file *scenario.File, d Difference, at map[string]int) (int, bool) {
	if d.pod != "" || len(at) == 0 || !d.missing && len(at) < len(file.Pods) {
		return 0, false
	}
	first := -1
	for _, i := range at {
		if first < 0 || i < first {
			first = i
		}
	}
	return first, true
}

// panics are the rules of answers that make the virtual kubelet panic.
var panics = []string{"STATUS-14", "STATUS-15", "STATUS-16", "STATUS-26"}

// foldPanic puts the differences of what the user sees of pods behind the first panic of the
// virtual kubelet: it shows nothing new after that.
func foldPanic(found []Difference) []Difference {
	at := slices.IndexFunc(found, func(d Difference) bool { return slices.Contains(panics, d.Rule) })
	if at < 0 {
		return found
	}
	var folded []Difference
	cause := found[at]
	for i, d := range found {
		switch {
		case i == at:
		case d.pod != "" && strings.HasPrefix(d.Rule, "STATUS-"):
			cause.precede(d)
		default:
			folded = append(folded, d)
		}
	}
	return slices.Insert(folded, 0, cause)
}

// StaleStatus is the difference of a pod whose last status calls changed nothing, up to its end.
func StaleStatus(key, rule, text string) Difference {
	return Difference{Rule: rule, Text: text, pod: key, stale: true}
}

// oldStates are the rules of what the user sees of a pod while its status does not change. Exit
// codes, and ends that are none, are not among them: the plugin has reported those.
var oldStates = []string{"STATUS-22", "STATUS-25", "STATUS-30", "STATUS-31", "STATUS-32", "STATUS-37"}

// foldStale puts what the user sees of a pod behind the fault for which its status does not
// change any more.
func foldStale(found []Difference, pods map[string]*Pod) []Difference {
	at := map[string]int{} // where the fault of a pod is in the result
	var folded []Difference
	for _, d := range found {
		if _, known := at[d.pod]; d.stale && !known && !isEnd(pods[d.pod].Status.Phase) {
			at[d.pod] = len(folded)
		} else if known && !d.stale && slices.Contains(oldStates, d.Rule) {
			folded[at[d.pod]].precede(d)
			continue
		}
		folded = append(folded, d)
	}
	return folded
}

// foldPhases puts the phases of a pod behind the container that explains them: by its exit code
// the pod ends in another way, and while it does not end, neither does the pod.
func foldPhases(found []Difference, expected, seen []corev1.PodPhase) []Difference {
	if len(found) == 0 || !found[0].phases {
		return found
	}
	for i := range found[1:] {
		isOtherEnd := len(seen) == len(expected) && slices.Equal(seen[:len(seen)-1], expected[:len(seen)-1]) && isEnd(seen[len(seen)-1])
		hasNoEnd := len(seen) < len(expected) && slices.Equal(seen, expected[:len(seen)])
		if cause := &found[i+1]; cause.Rule == "STATUS-18" && isOtherEnd || cause.Rule == "STATUS-32" && hasNoEnd {
			cause.precede(found[0])
			return found[1:]
		}
	}
	return found
}
