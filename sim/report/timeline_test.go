package report

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// summary describes the bars of a lane: where each begins and ends, and its text.
func summary(l lane) []string {
	var bars []string
	for _, b := range l.Bars {
		bars = append(bars, fmt.Sprintf("%.1f-%.1f %s %s", float64(b.Left), 100-float64(b.Right), b.Tone, b.Text))
	}
	return bars
}

func TestTimeline(t *testing.T) {
	end := func(c Container) []Container { return []Container{{Name: "a", State: "running"}, c} }
	tl := newTimeline(&Scenario{Lasted: 100, Pods: []Pod{{
		Name:  "pod",
		Local: []State{{At: 0, Phase: "Pending"}, {At: 50, Phase: "Failed", Reason: "Evicted", Containers: end(Container{Name: "b", State: "terminated", ExitCode: 3, Reason: "Error"})}},
		Remote: []State{
			{At: 10, Phase: "Pending", Containers: []Container{{Name: "i", Init: true, State: "waiting"}}},
			{At: 20, Phase: "Running", Containers: end(Container{Name: "b", State: "waiting", Reason: "CrashLoopBackOff", Restarts: 1})},
			{At: 30, Phase: "Running", Containers: end(Container{Name: "b", State: "running", Restarts: 2})},
			{At: 40, Phase: "Odd", Containers: end(Container{Name: "b", State: "odd"})},
			{At: 60, Phase: "Gone"},
		},
	}}}, true)
	got := map[string][]string{}
	for _, g := range tl.Pods[0].Groups {
		for _, l := range g.Lanes {
			got[g.Kind+g.Name+" "+l.Side] = summary(l)
		}
	}
	want := map[string][]string{
		"phase local":  {"0.0-50.0 waiting Pending", "50.0-100.0 bad Failed · Evicted"},
		"phase remote": {"10.0-20.0 waiting Pending", "20.0-40.0 running Running", "40.0-60.0 unknown Odd", "60.0-100.0 gone Gone"},
		"initi local":  nil,
		"initi remote": {"10.0-20.0 waiting waiting"},
		"a local":      {"50.0-100.0 running running"},
		"a remote":     {"20.0-60.0 running running"},
		"b local":      {"50.0-100.0 bad exit 3 · Error"},
		"b remote":     {"20.0-30.0 waiting CrashLoopBackOff · 1 restart", "30.0-40.0 running running · 2 restarts", "40.0-60.0 unknown odd"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if title := tl.Pods[0].Groups[0].Lanes[1].Bars[0].Title; title != "Pending, from 10s to 20s" {
		t.Errorf("title %q", title)
	}
	if diff := cmp.Diff(change{"0s", "local", "phase", "Pending", 0}, tl.Pods[0].Changes[0], cmp.AllowUnexported(change{})); diff != "" {
		t.Error(diff)
	}
}

func TestShortBarsAreVisible(t *testing.T) {
	states := []State{{Phase: "Pending"}, {Phase: "Running"}, {Phase: "Failed"}}
	at := func(seconds float64) []State {
		var all []State
		for _, s := range states {
			s.At = seconds
			all = append(all, s)
		}
		return all
	}
	for name, c := range map[string]struct {
		states []State
		lasted float64
		want   []string
	}{
		"nothing lasts":   {states, 0, []string{"0.0-0.6 waiting Pending", "0.6-1.2 running Running", "1.2-100.0 bad Failed"}},
		"all at once":     {at(50), 100, []string{"50.0-50.6 waiting Pending", "50.6-51.2 running Running", "51.2-100.0 bad Failed"}},
		"all at the end":  {at(100), 100, []string{"98.2-98.8 waiting Pending", "98.8-99.4 running Running", "99.4-100.0 bad Failed"}},
		"after the end":   {at(100), 50, []string{"98.2-98.8 waiting Pending", "98.8-99.4 running Running", "99.4-100.0 bad Failed"}},
		"before time":     {at(-1), 10, []string{"0.0-0.6 waiting Pending", "0.6-1.2 running Running", "1.2-100.0 bad Failed"}},
		"no state at all": {nil, 10, nil},
	} {
		tl := newTimeline(&Scenario{Lasted: c.lasted, Pods: []Pod{{Local: c.states}}}, true)
		if diff := cmp.Diff(c.want, summary(tl.Pods[0].Groups[0].Lanes[0])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestManyBarsFit(t *testing.T) {
	var states []State
	for i := range 5000 {
		states = append(states, State{At: 1, Phase: []string{"Pending", "Running"}[i%2]})
	}
	bars := newTimeline(&Scenario{Lasted: 2, Pods: []Pod{{Local: states}}}, true).Pods[0].Groups[0].Lanes[0].Bars
	if len(bars) != len(states) {
		t.Errorf("%d bars, want %d", len(bars), len(states))
	}
	for i, b := range bars {
		if b.Left < 0 || b.Right < 0 || b.Left+b.Right > 100 {
			t.Fatalf("bar %d is outside the axis: %s from the left, %s from the right", i, b.Left, b.Right)
		}
		if i > 0 && math.Abs(float64(100-bars[i-1].Right-b.Left)) > 1e-6 {
			t.Fatalf("bar %d does not begin where the previous one ends", i)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		end, step float64
		n         int
	}{
		{0, 0, 1}, {0.5, 0.1, 6}, {3, 0.5, 7}, {8, 1, 9}, {9, 2, 5}, {42.25, 10, 5}, {65, 10, 7}, {100, 15, 7}, {240, 30, 9}, {301, 60, 6},
		{3600, 600, 7}, {86400, 6 * 3600, 5}, {maxSeconds, 0, 0},
	} {
		got := ticks(c.end)
		if len(got) > 9 {
			t.Errorf("%v: %d ticks", c.end, len(got))
		}
		if c.n > 0 && (len(got) != c.n || c.n > 1 && math.Abs(got[1]-c.step) > 1e-9) {
			t.Errorf("%v: ticks at %v, want %d with step %v", c.end, got, c.n, c.step)
		}
	}
	_ = ticks((&Scenario{Lasted: math.Inf(1)}).end()) // must return
}

// Lanes of a cluster that nothing looked at would say that nothing happened there.
func TestRemoteLanesNeedALook(t *testing.T) {
	s := Scenario{Pods: []Pod{{Name: "a", Local: []State{{Phase: "Pending"}}}}}
	r := &Report{Scenarios: []Scenario{s}}
	if r.observedRemote() {
		t.Error("the remote cluster counts as observed")
	}
	if lanes := newTimeline(&s, false).Pods[0].Groups[0].Lanes; len(lanes) != 1 || lanes[0].Side != "local" {
		t.Errorf("%+v", lanes)
	}
	if lanes := newTimeline(&s, true).Pods[0].Groups[0].Lanes; len(lanes) != 2 || lanes[1].Empty == "" {
		t.Errorf("%+v", lanes)
	}
	r.Scenarios = append(r.Scenarios, Scenario{Pods: []Pod{{Remote: []State{{Phase: "Running"}}}}})
	if !r.observedRemote() {
		t.Error("the remote cluster does not count as observed")
	}
}
