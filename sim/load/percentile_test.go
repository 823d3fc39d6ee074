package load

import (
	"testing"
	"time"
)

// The durations are 1, 2, ... up to their number.
func TestPercentile(t *testing.T) {
	for _, test := range []struct {
		number, percent int
		want            time.Duration
	}{{0, 50, 0}, {1, 50, 1}, {1, 99, 1}, {2, 50, 1}, {2, 51, 2}, {3, 50, 2}, {100, 50, 50}, {100, 99, 99}, {100, 100, 100}, {101, 99, 100}, {10, 0, 1}} {
		var durations []time.Duration
		for i := range test.number {
			durations = append(durations, time.Duration(i+1))
		}
		if got := percentile(durations, test.percent); got != test.want {
			t.Errorf("percentile %d of %d durations is %d, want %d", test.percent, test.number, got, test.want)
		}
	}
}
