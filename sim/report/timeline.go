package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// timeline holds the pods and steps of a scenario on one axis of time, as the page
// draws them.
type timeline struct {
	Ticks []mark
	Steps []mark
	Pods  []podView
}

// mark is a label at one point of the axis.
type mark struct {
	At percent
	// Rest is the part of the axis after the mark.
	Rest percent
	// Late marks have their label on the left, since there is more space; marks AtEnd
	// have no space on the right.
	Late  bool
	AtEnd bool
	Time  string
	Label string
}

// podView holds the lanes of a pod: of its phase, then of each container, each for
// both clusters.
type podView struct {
	Name   string
	Groups []group
	// Changes are the bars as text, in order of time.
	Changes []change
}

type group struct {
	Name  string
	Kind  string
	Lanes []lane // of the local cluster, and of the remote one if it was observed
}

type lane struct {
	Side string
	Bars []bar
	// Empty says why there are no bars.
	Empty string
}

// bar is drawn by its distances from both ends of the axis, so that a bar ends
// exactly where the next one begins.
type bar struct {
	Left, Right percent
	Tone        string // a CSS class
	Text        string
	Title       string
}

// change is one bar as text.
type change struct {
	Time, Side, Part, Text string
	at                     float64
}

// percent is a part of the axis, in the format of CSS.
type percent float64

func (p percent) String() string { return strconv.FormatFloat(float64(p), 'f', 3, 64) }

// newTimeline returns the timeline of a scenario; nil if nothing was recorded. It has no
// lanes of the remote cluster if that was not observed.
func newTimeline(s *Scenario, remote bool) *timeline {
	if len(s.Pods) == 0 && len(s.Steps) == 0 {
		return nil
	}
	end := s.end()
	t := &timeline{}
	for _, at := range ticks(end) {
		t.Ticks = append(t.Ticks, newMark(at, end, ""))
	}
	for _, step := range s.Steps {
		t.Steps = append(t.Steps, newMark(step.At, end, step.Text))
	}
	for i := range s.Pods {
		t.Pods = append(t.Pods, newPodView(&s.Pods[i], end, remote))
	}
	return t
}

// end returns the end of the axis: that of the scenario, or the last event after it.
func (s *Scenario) end() float64 {
	end := s.Lasted
	for _, step := range s.Steps {
		end = max(end, step.At)
	}
	for _, pod := range s.Pods {
		for _, state := range slices.Concat(pod.Local, pod.Remote) {
			end = max(end, state.At)
		}
	}
	return min(max(end, 0), maxSeconds)
}

func newMark(at, end float64, label string) mark {
	p := position(at, end)
	return mark{At: p, Rest: 100 - p, Late: p > 50, AtEnd: p > 95, Time: scenarioTime(at), Label: label}
}

// position returns where a time is on the axis; 0 on an axis without length.
func position(at, end float64) percent {
	if end <= 0 {
		return 0
	}
	return percent(min(max(at/end, 0), 1) * 100)
}

// ticks returns round times on the axis, few enough for a label at each.
func ticks(end float64) []float64 {
	const most = 8
	steps := []float64{.1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 6 * 3600, 12 * 3600}
	step := steps[0]
	for i := 1; end/step > most; i++ {
		if step *= 2; i < len(steps) {
			step = steps[i]
		}
	}
	var times []float64
	for i := 0; float64(i)*step <= end; i++ {
		times = append(times, float64(i)*step)
	}
	return times
}

func newPodView(pod *Pod, end float64, remote bool) podView {
	view := podView{Name: pod.Name}
	add := func(g group, of func(State) span) {
		for _, side := range []struct {
			name   string
			states []State
			shown  bool
		}{{"local", pod.Local, true}, {"remote", pod.Remote, remote}} {
			if !side.shown {
				continue
			}
			l, states := lane{Side: side.name}, side.states
			spans := spansOf(states, of)
			l.Bars = barsOf(spans, end)
			if len(l.Bars) == 0 {
				l.Empty = "nothing was recorded"
			}
			g.Lanes = append(g.Lanes, l)
			for _, s := range spans {
				if s.tone != "" {
					view.Changes = append(view.Changes, change{scenarioTime(s.at), l.Side, g.Name, s.text, s.at})
				}
			}
		}
		view.Groups = append(view.Groups, g)
	}
	add(group{Name: "phase"}, phaseSpan)
	for _, c := range containersOf(pod) {
		g := group{Name: c.Name}
		if c.Init {
			g.Kind = "init"
		}
		add(g, func(s State) span { return containerSpan(s, c) })
	}
	slices.SortStableFunc(view.Changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	return view
}

// containersOf returns the containers of a pod, init containers first. Those of the
// remote cluster come before others, since the local cluster does not show native
// sidecars.
func containersOf(pod *Pod) []Container {
	var all []Container
	for _, state := range slices.Concat(pod.Remote, pod.Local) {
		for _, c := range state.Containers {
			if c = (Container{Name: c.Name, Init: c.Init}); !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Container) int { return cmp.Compare(btoi(b.Init), btoi(a.Init)) })
	return all
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// span is what a lane shows from a time on; nothing if it has no tone.
type span struct {
	at         float64
	tone, text string
}

// spansOf returns the spans of a lane; equal states in a row become one span.
func spansOf(states []State, of func(State) span) []span {
	var spans []span
	for _, state := range states {
		next := of(state)
		next.at = max(state.At, 0)
		if n := len(spans); n > 0 {
			next.at = max(next.at, spans[n-1].at)
			if spans[n-1].tone == next.tone && spans[n-1].text == next.text {
				continue
			}
		}
		spans = append(spans, next)
	}
	return spans
}

func phaseSpan(s State) span {
	tone, known := map[string]string{
		"Pending": "waiting", "Running": "running", "Succeeded": "good", "Failed": "bad", "Gone": "gone", "Deleted": "gone",
	}[s.Phase]
	if !known {
		tone = "unknown"
	}
	return span{tone: tone, text: joined(s.Phase, s.Reason)}
}

func containerSpan(s State, of Container) span {
	i := slices.IndexFunc(s.Containers, func(c Container) bool { return c.Name == of.Name && c.Init == of.Init })
	if i < 0 {
		return span{}
	}
	c := s.Containers[i]
	restarts := ""
	if c.Restarts > 0 {
		restarts = plural(int(c.Restarts), "restart")
	}
	switch c.State {
	case "waiting":
		return span{tone: "waiting", text: joined(cmp.Or(c.Reason, "waiting"), restarts)}
	case "running":
		return span{tone: "running", text: joined("running", c.Reason, restarts)}
	case "terminated":
		tone := "good"
		if c.ExitCode != 0 {
			tone = "bad"
		}
		return span{tone: tone, text: joined("exit "+strconv.Itoa(int(c.ExitCode)), c.Reason, restarts)}
	}
	return span{tone: "unknown", text: joined(c.State, c.Reason, restarts)}
}

// joined joins the parts that are not empty.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// barsOf returns the bars of spans: each until the next one, the last one until the
// end of the axis. A short bar gets a visible width, at the cost of its neighbors.
func barsOf(spans []span, end float64) []bar {
	n := len(spans)
	if n == 0 {
		return nil
	}
	minWidth := min(0.6, 100/percent(n))
	edges := make([]percent, n+1)
	edges[n] = 100
	for i, s := range spans {
		edges[i] = position(s.at, end)
		if i > 0 {
			edges[i] = max(edges[i], edges[i-1]+minWidth)
		}
	}
	for i := n - 1; i >= 0; i-- {
		edges[i] = max(0, min(edges[i], edges[i+1]-minWidth))
	}
	var bars []bar
	for i, s := range spans {
		until := end
		if i+1 < n {
			until = spans[i+1].at
		}
		if s.tone != "" {
			bars = append(bars, bar{
				Left: edges[i], Right: 100 - edges[i+1], Tone: s.tone, Text: s.text,
				Title: s.text + ", from " + scenarioTime(s.at) + " to " + scenarioTime(until),
			})
		}
	}
	return bars
}
