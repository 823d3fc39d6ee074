package play

import (
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
)

// The log of a previous run is requested again while the kubelet has removed it, but not
// for ever, and no other log is.
func TestPreviousLogIsRequestedAgain(t *testing.T) {
	const missing = noPreviousLog + "containerd://8a4c"
	for _, test := range []struct {
		name    string
		answers []string // the last one repeats
		want    string
		calls   int
	}{
		{"there at once", []string{"run 1"}, "run 1", 1},
		{"there later", []string{missing, missing, "run 2"}, "run 2", 3},
		{"never there", []string{missing}, missing, previousLogTries},
		{"another error", []string{"previous terminated container not found"}, "previous terminated container not found", 1},
	} {
		calls := 0
		request := func() judge.Log {
			calls++
			return judge.Log{Text: test.answers[min(calls, len(test.answers))-1]}
		}
		if got := askAgain(t.Context(), request(), 0, request); got.Text != test.want || calls != test.calls {
			t.Errorf("%s: %q after %d requests, want %q after %d", test.name, got.Text, calls, test.want, test.calls)
		}
	}
}
