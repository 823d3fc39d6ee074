package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// rounds is how many parts the load has in a comparison. The plugins take turns (first,
// second, second, first), so that a machine that becomes slower harms both.
const rounds = 4

// Comparison has the results of the same load on two plugins.
type Comparison struct {
	First  *Result `json:"first"`
	Second *Result `json:"second"`
	// firstRounds and secondRounds are the results of each round.
	firstRounds, secondRounds []*Result
}

// Compare runs a load test on the plugin of the options and on a second one at another
// address. As of Run, the result of an interrupted comparison contains what was done.
func Compare(ctx context.Context, options Options, second string) (*Comparison, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	a, err := newSide(ctx, o)
	if err != nil {
		return nil, err
	}
	defer a.kubelet.Close()
	o.Plugin = second
	b, err := newSide(ctx, o)
	if err != nil {
		return nil, err
	}
	defer b.kubelet.Close()
	for round := range rounds {
		first, end := o.Pods*round/rounds, o.Pods*(round+1)/rounds
		turns := []*side{a, b}
		if round%2 == 1 {
			turns = []*side{b, a}
		}
		for _, s := range turns {
			if end > first && ctx.Err() == nil {
				o.Progress(fmt.Sprintf("Round %d of %d: %s", round+1, rounds, s.options.Plugin))
				s.round(ctx, first, end-first)
			}
		}
	}
	return &Comparison{First: a.result(), Second: b.result(), firstRounds: a.rounds, secondRounds: b.rounds}, ctx.Err()
}

// Failed reports whether one of the load tests failed.
func (c *Comparison) Failed() bool { return c.First.Failed() || c.Second.Failed() }

// Table writes both results, and how they compare.
func (c *Comparison) Table(w io.Writer) error {
	for _, r := range []*Result{c.First, c.Second} {
		if _, err := fmt.Fprintf(w, "%s\n", r.Plugin); err != nil {
			return err
		}
		if err := r.Table(w); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name, better string, of func(*Result) float64) { // Flush returns the error
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t\n", name, number(of(c.First)), number(of(c.Second)), ratio(of(c.First), of(c.Second)), c.ratios(of), better)
	}
	_, _ = fmt.Fprint(t, "\tfirst\tsecond\tratio\tin rounds\tbetter is\t\n")
	for i, call := range c.First.Calls {
		row(call.Name+" per second", "more", func(r *Result) float64 { return r.Calls[i].PerSecond })
		row(call.Name+" p50 ms", "less", func(r *Result) float64 { return r.Calls[i].Latency.P50 })
		row(call.Name+" p99 ms", "less", func(r *Result) float64 { return r.Calls[i].Latency.P99 })
		row(call.Name+" errors", "less", func(r *Result) float64 { return float64(r.Calls[i].ErrorCount) })
	}
	row("status age p50 ms", "less", func(r *Result) float64 { return r.StatusAge.Age.P50 })
	row("status age max ms", "less", func(r *Result) float64 { return r.StatusAge.Age.Max })
	row("pods left out", "less", func(r *Result) float64 { return float64(r.LeftOut.Pods) })
	row("pods succeeded", "more", func(r *Result) float64 { return float64(r.Pods.Succeeded) })
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprint(w, "\nThe ratio is that of the first plugin to the second. If the rounds differ as much as the plugins, the difference can\n"+
		"be chance: repeat the test with more pods. Rates and latencies are those of the calls that succeeded.\n")
	return err
}

// ratios returns the smallest and the largest ratio of a round.
func (c *Comparison) ratios(of func(*Result) float64) string {
	var all []float64
	for i := range min(len(c.firstRounds), len(c.secondRounds)) {
		if b := of(c.secondRounds[i]); b > 0 {
			all = append(all, of(c.firstRounds[i])/b)
		}
	}
	if len(all) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f to %.2f", slices.Min(all), slices.Max(all))
}

// number formats a count without digits after the point.
func number(f float64) string {
	if f == math.Trunc(f) {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.1f", f)
}

func ratio(a, b float64) string {
	if b <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

// JSON writes both results for programs.
func (c *Comparison) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(c)
}
