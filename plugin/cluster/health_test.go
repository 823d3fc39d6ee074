package cluster

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// What the answers say, in their order.
func TestHealth(t *testing.T) {
	pods, other := target{resource: "pods", list: true}, target{resource: "secrets", name: "s"}
	now := time.Now()
	var recovered []int64 // since when the trouble that ended lasted
	reopened := 0
	h := &health{now: func() time.Time { return now }, recovered: func(since time.Time) { recovered = append(recovered, since.Unix()) }, reopen: func() { reopened++ }}
	reason := errors.New("why")
	for i, step := range []struct {
		do            func()
		refused, away int // the step since which it lasts, or 0
		recovered     int // the step since which the trouble lasted that ends, or 0
	}{
		1:  {do: func() { h.saw(other, answered, nil) }},
		2:  {do: func() { h.saw(other, unreachable, reason) }, away: 2},
		3:  {do: func() { h.saw(other, unreachable, reason) }, away: 2},
		4:  {do: func() { h.saw(other, undecided, nil) }, recovered: 2},
		5:  {do: func() { h.saw(other, rejected, reason) }, refused: 5},
		6:  {do: func() { h.saw(pods, rejected, reason) }, refused: 5},
		7:  {do: func() { h.saw(pods, unreachable, reason) }, refused: 5, away: 7},
		8:  {do: func() { h.saw(pods, undecided, reason) }, refused: 5, recovered: 7},
		9:  {do: func() { h.saw(other, answered, nil) }, recovered: 5},
		10: {do: func() { h.saw(other, forbidden, nil) }}, // of something else than the pods
		11: {do: func() { h.saw(pods, forbidden, nil) }, refused: 11},
		12: {do: func() { h.saw(other, answered, nil) }, refused: 11},
		13: {do: func() { h.permitted(true) }, refused: 11}, // the list itself was refused
		14: {do: func() { h.saw(other, rejected, reason) }, refused: 11},
		15: {do: func() { h.saw(pods, answered, nil) }, recovered: 11},
		16: {do: func() { h.permitted(false) }, refused: 16},
		17: {do: func() { h.permitted(false) }, refused: 16},
		18: {do: func() { h.permitted(true) }},
		19: {do: func() { h.saw(other, rejected, reason) }, refused: 19},
		20: {do: func() { h.permitted(false) }, refused: 19},
		21: {do: func() { h.saw(other, answered, nil) }, refused: 20, recovered: 19},
		22: {do: func() { h.saw(pods, answered, nil) }, recovered: 20},
	} {
		if step.do == nil {
			continue
		}
		now = time.Unix(int64(i), 0)
		recovered = nil
		step.do()
		at := func(t Trouble) int {
			if t.Since.IsZero() {
				return 0
			}
			return int(t.Since.Unix())
		}
		var want []int64
		if step.recovered > 0 {
			want = []int64{int64(step.recovered)}
		}
		if refused, away := at(h.refused()), at(h.unreachable()); refused != step.refused || away != step.away || !slices.Equal(recovered, want) {
			t.Errorf("step %d: refused since %d, unreachable since %d, ends what lasted since %v, want %d, %d, %v", i, refused, away, recovered, step.refused, step.away, want)
		}
	}
	if reopened != 1 { // in step 13
		t.Errorf("a list or watch is asked for %d times, want 1", reopened)
	}
}
