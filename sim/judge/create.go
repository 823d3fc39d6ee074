package judge

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// compareCreate compares the answer to a pod's create with the expected one.
func compareCreate(key string, expected scenario.PodExpectation, seen *Pod) []Difference {
	switch {
	case expected.Refused == "" && seen.Refusal != nil:
		rule := "CREATE-4"
		if seen.Refusal.Status == http.StatusOK { // only the body is wrong
			rule = "CREATE-3"
		}
		return []Difference{differencef(rule, "pod %s was refused: %s", key, seen.Refusal.Text)}
	case expected.Refused == "":
		if seen.NotSent != nil && len(expected.Phases) > 1 { // it stays Pending
			return []Difference{differencef("CREATE-1", "pod %s: %v", key, seen.NotSent)}
		}
	case seen.Refusal == nil:
		return []Difference{differencef("CREATE-6", "pod %s was not refused, expected a refusal that contains %q", key, expected.Refused)}
	case seen.Refusal.Status == 0:
		return []Difference{differencef("CREATE-4", "pod %s was not refused by an answer that contains %q: %s", key, expected.Refused, seen.Refusal.Text)}
	case !strings.Contains(html.UnescapeString(seen.Status.Message), expected.Refused):
		return []Difference{differencef("CREATE-5", "pod %s was refused, but the answer does not contain %q: %s", key, expected.Refused, seen.Refusal.Text)}
	}
	return nil
}

// withoutRefused returns a scenario without what it expects of pods that the plugin refused and
// may refuse, and a note on each of them.
func withoutRefused(file *scenario.File, seen *Observation) (*scenario.File, []string) {
	var notes []string
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(file.Expect.Pods)) {
		refusal := seen.Pods[key].Refusal
		if file.Expect.Pods[key].MayRefuse && refusal != nil && refusal.HasWords && refusal.Status >= http.StatusBadRequest {
			keys = append(keys, key)
			notes = append(notes, fmt.Sprintf("Pod %s can never run, and the plugin may refuse it at once: %s", key, strings.TrimSpace(refusal.Text)))
		}
	}
	if keys == nil {
		return file, nil
	}
	return file.WithoutPods(keys), notes
}
