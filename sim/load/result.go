package load

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Result of a load.
type Result struct {
	Plugin      string  `json:"plugin"`
	Concurrency int     `json:"concurrency"`
	Rate        float64 `json:"createsPerSecondAtMost,omitempty"`
	// Took is all of it, in seconds.
	Took float64 `json:"tookSeconds"`
	Pods Pods    `json:"pods"`
	// Calls in the order of a pod's life.
	Calls []Calls `json:"calls"`
	// Rounds of polling: as the virtual kubelet asks for one pod after the other,
	// a round is how old a status may be.
	Rounds Rounds `json:"rounds"`
}

// Pods by what became of them.
type Pods struct {
	Wanted    int `json:"wanted"`
	Succeeded int `json:"succeeded"`
	// Failed are also those whose create was refused.
	Failed int `json:"failed"`
	// NotEnded were created, and had not ended when it was time to delete them. What
	// is missing in the sum was not created: the load was interrupted.
	NotEnded int `json:"notEnded"`
	// Undeleted are those whose delete was answered with an error.
	Undeleted int `json:"undeleted"`
}

// Calls of one kind.
type Calls struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	// PerSecond while such calls were made: without the pauses between rounds.
	PerSecond float64   `json:"perSecond"`
	Latency   Latencies `json:"latencyMilliseconds"`
	// Failures is how many went wrong, Errors how often by words.
	Failures int     `json:"failures"`
	Errors   []Error `json:"errors,omitempty"`
}

// Latencies are nearest ranks, in milliseconds.
type Latencies struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Error is what went wrong, and how often.
type Error struct {
	Words string `json:"words"`
	Count int    `json:"count"`
}

// Rounds of polling, their lengths in milliseconds.
type Rounds struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50Milliseconds"`
	Max   float64 `json:"maxMilliseconds"`
}

func (p *Pods) count(phase corev1.PodPhase) {
	switch phase {
	case corev1.PodSucceeded:
		p.Succeeded++
	case corev1.PodFailed:
		p.Failed++
	default:
		p.NotEnded++
	}
}

// Failed says whether anything went wrong.
func (r *Result) Failed() bool {
	return r.Pods.Succeeded < r.Pods.Wanted || r.Pods.Undeleted > 0 ||
		slices.ContainsFunc(r.Calls, func(c Calls) bool { return c.Failures > 0 })
}

func (m *meter) result(o Options, took time.Duration) *Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &Result{
		Plugin: o.Plugin, Concurrency: o.Concurrency, Rate: o.Rate, Took: took.Seconds(), Pods: Pods{Wanted: o.Pods},
	}
	for _, name := range []string{"CreatePod", "GetStatus", "DeletePod"} {
		c := Calls{Name: name, Count: len(m.took[name]), Latency: latencies(m.took[name])}
		if spent := m.spent[name]; spent > 0 {
			c.PerSecond = float64(c.Count) / spent.Seconds()
		}
		for _, words := range slices.Sorted(maps.Keys(m.errors[name])) {
			c.Errors = append(c.Errors, Error{words, m.errors[name][words]})
			c.Failures += m.errors[name][words]
		}
		slices.SortStableFunc(c.Errors, func(a, b Error) int { return cmp.Compare(b.Count, a.Count) })
		r.Calls = append(r.Calls, c)
	}
	rounds := slices.Sorted(slices.Values(m.rounds))
	r.Rounds = Rounds{Count: len(rounds), P50: milliseconds(percentile(rounds, 50)), Max: milliseconds(percentile(rounds, 100))}
	return r
}

// JSON writes the result for programs.
func (r *Result) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// Table writes the result for people.
func (r *Result) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\t\n", args...) } // Flush tells
	row("call\tcount\tper second\tp50 ms\tp90 ms\tp95 ms\tp99 ms\tmax ms\terrors")
	for _, c := range r.Calls {
		l := c.Latency
		row("%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%d", c.Name, c.Count, c.PerSecond, l.P50, l.P90, l.P95, l.P99, l.Max, c.Failures)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	p := r.Pods
	text := fmt.Sprintf("\n%d pods: %d succeeded, %d failed, %d not ended, %d not deleted, in %.1f s\n"+
		"%d rounds of polling: %.1f ms in the middle, %.1f ms at most\n",
		p.Wanted, p.Succeeded, p.Failed, p.NotEnded, p.Undeleted, r.Took, r.Rounds.Count, r.Rounds.P50, r.Rounds.Max)
	for _, c := range r.Calls {
		for _, e := range c.Errors {
			text += fmt.Sprintf("%d x %s: %s\n", e.Count, c.Name, e.Words)
		}
	}
	_, err := io.WriteString(w, text)
	return err
}
