package judge

import (
	"fmt"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Difference is one thing that is not as the scenario expects it.
type Difference struct {
	// Rule is the number of the rule of docs/contract.md that the difference
	// follows from, such as CREATE-4; empty if there is no single one.
	Rule string
	// Text is one sentence.
	Text string
	// FollowOns are differences that this one explains.
	FollowOns []string

	pod     string // the key of the pod that it is about; empty if it is about several, or unknown
	missing bool   // something is not there, which was perhaps never created
}

// String returns the text, after the number of the rule.
func (d Difference) String() string {
	if d.Rule == "" {
		return d.Text
	}
	return d.Rule + ": " + d.Text
}

// differencef returns a difference; rule may be empty.
func differencef(rule, format string, args ...any) Difference {
	return Difference{Rule: rule, Text: fmt.Sprintf(format, args...)}
}

// ofPod marks differences as those of a pod.
func ofPod(key string, found []Difference) []Difference {
	for i := range found {
		found[i].pod = key
	}
	return found
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
			folded[at[key]].FollowOns = append(folded[at[key]].FollowOns, d.String())
			continue
		}
		if first, explained := explainedBy(file, d, at); explained {
			folded[first].FollowOns = append(folded[first].FollowOns, d.String())
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

// shorten keeps a sentence readable, whatever the plugin has answered.
func shorten(text string) string {
	const limit = 300
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}
