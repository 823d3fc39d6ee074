package judge

import (
	"fmt"
	"strings"
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

	pod     string      // the key of the pod that it is about; empty if it is about several, or unknown
	own     Explanation // instead of that of the rule
	missing bool        // something is not there, which was perhaps never created
	stale   bool        // the pod's status did not change any more
	phases  bool        // the pod showed other phases
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

// shorten keeps a sentence readable, whatever the plugin has answered.
func shorten(text string) string {
	const limit = 300
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}
