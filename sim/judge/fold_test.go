package judge

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// After a panic the user sees old states: these differences follow from it.
func TestFoldPanic(t *testing.T) {
	of := func(rule, pod string) Difference { return Difference{Rule: rule, Text: "x", pod: pod} }
	got := foldPanic([]Difference{of("CREATE-3", "a"), of("STATUS-15", ""), of("STATUS-37", "a"), of("LOGS-1", "a"), of("STATUS-32", "b")})
	if len(got) != 3 || got[0].Rule != "STATUS-15" || len(got[0].FollowOns) != 2 || got[1].Rule != "CREATE-3" || got[2].Rule != "LOGS-1" {
		t.Errorf("%v", got)
	}
	if got := foldPanic([]Difference{of("STATUS-37", "a"), of("STATUS-32", "a")}); len(got) != 2 {
		t.Errorf("without a panic: %v", got)
	}
}

// rules returns the rules of differences.
func rules(found []Difference) (all []string) {
	for _, d := range found {
		all = append(all, d.Rule)
	}
	return all
}

// While the status of a pod does not change, the user sees an old state of it, and of no other
// pod. What the plugin has reported is a fault of its own.
func TestFoldStale(t *testing.T) {
	of := func(rule, pod string) Difference { return Difference{Rule: rule, Text: "x", pod: pod} }
	follows := of("STATUS-32", "a")
	follows.FollowOns = []string{"STATUS-37: x"}
	found := []Difference{StaleStatus("a", "STATUS-6", "x"), StaleStatus("a", "STATUS-11", "x"), follows, of("STATUS-18", "a"), of("STATUS-37", "b"), of("LOGS-1", "a")}
	pods := map[string]*Pod{"a": {}, "b": {}}
	got := foldStale(slices.Clone(found), pods)
	if !slices.Equal(rules(got), []string{"STATUS-6", "STATUS-11", "STATUS-18", "STATUS-37", "LOGS-1"}) || !slices.Equal(got[0].FollowOns, []string{"STATUS-32: x", "STATUS-37: x"}) {
		t.Errorf("%v", got)
	}
	pods["a"].Status.Phase = corev1.PodFailed // the plugin has reported an end
	if got := foldStale(found, pods); len(got) != len(found) {
		t.Errorf("of a pod that has ended: %v", got)
	}
}

// The phases follow from a container that explains all of them.
func TestFoldPhases(t *testing.T) {
	const pending, runs, succeeded, failed = corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed
	type phases = []corev1.PodPhase
	ends := phases{pending, runs, succeeded}
	for _, test := range []struct {
		name  string
		seen  phases
		rule  string // of the container
		isOne bool
	}{
		{"a wrong exit code", phases{pending, runs, failed}, "STATUS-18", true},
		{"a wrong exit code of a pod that never ran", phases{pending, failed}, "STATUS-18", false},
		{"no end", phases{pending, runs}, "STATUS-32", true},
		{"never started", phases{pending}, "STATUS-32", true},
		{"another end, and a container without one", phases{pending, runs, failed}, "STATUS-32", false},
		{"a wrong message", phases{pending, runs, failed}, "STATUS-25", false},
	} {
		found := []Difference{{Rule: "STATUS-37", Text: "x", phases: true}, {Rule: test.rule, Text: "y"}}
		got := foldPhases(found, ends, test.seen)
		if test.isOne != (len(got) == 1) || test.isOne && (got[0].Rule != test.rule || len(got[0].FollowOns) != 1) {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	if got := foldPhases([]Difference{{Rule: "STATUS-37"}, {Rule: "STATUS-32"}}, ends, phases{pending}); len(got) != 2 {
		t.Errorf("the phases are right: %v", got)
	}
}
