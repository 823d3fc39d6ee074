package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// rounds is how many parts the load has in a comparison. The plugins take turns (first,
// second, second, first), so that a machine that becomes slower harms both.
const rounds = 4

// Comparison has the results of the same load on two plugins.
type Comparison struct {
	First  *Result `json:"first"`
	Second *Result `json:"second"`
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
	return &Comparison{First: a.result(), Second: b.result()}, ctx.Err()
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
	row := func(name string, a, b float64) { // Flush returns the error
		ratio := "-"
		if b > 0 {
			ratio = fmt.Sprintf("%.2f", a/b)
		}
		_, _ = fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%s\t\n", name, a, b, ratio)
	}
	_, _ = fmt.Fprint(t, "\tfirst\tsecond\tratio\t\n")
	for i, a := range c.First.Calls {
		b := c.Second.Calls[i]
		row(a.Name+" per second", a.PerSecond, b.PerSecond)
		row(a.Name+" p50 ms", a.Latency.P50, b.Latency.P50)
		row(a.Name+" p99 ms", a.Latency.P99, b.Latency.P99)
		row(a.Name+" errors", float64(a.ErrorCount), float64(b.ErrorCount))
	}
	row("status age p50 ms", c.First.StatusAge.Age.P50, c.Second.StatusAge.Age.P50)
	row("status age max ms", c.First.StatusAge.Age.Max, c.Second.StatusAge.Age.Max)
	row("pods left out", float64(c.First.LeftOut.Pods), float64(c.Second.LeftOut.Pods))
	row("pods succeeded", float64(c.First.Pods.Succeeded), float64(c.Second.Pods.Succeeded))
	return t.Flush()
}

// JSON writes both results for programs.
func (c *Comparison) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(c)
}
