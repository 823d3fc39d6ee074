package play

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A virtual kubelet that panics at each poll is listed once, with the number of times.
func TestViolationsThatHappenAgain(t *testing.T) {
	r := newRecorder(nil)
	r.violationAt("at 5s: ", "STATUS-26", "the virtual kubelet panics")
	r.violation("CREATE-8", "another UID")
	for range 30 {
		r.violationAt("at 10s: ", "STATUS-26", "the virtual kubelet panics")
	}
	r.violation("CREATE-8", "another UID")
	var all []string
	for _, v := range r.allViolations() {
		all = append(all, v.Rule+": "+v.Text)
	}
	want := []string{
		"STATUS-26: at 5s: the virtual kubelet panics (and 30 more times)", "CREATE-8: another UID", "CREATE-8: another UID",
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	for i := range 3 * maxViolations {
		r.violation("", "%d", i)
	}
	if all := r.allViolations(); len(all) != maxViolations+1 || all[maxViolations].Text != "43 more violations are not listed" {
		t.Errorf("%d violations are listed, the last one: %v", len(all), all[len(all)-1])
	}
}
