package load

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Table writes the result for people.
func (r *Result) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\t\n", args...) } // Flush returns the error
	row("call\tcount\tper second\tp50 ms\tp90 ms\tp95 ms\tp99 ms\tmax ms\terrors")
	for _, c := range r.Calls {
		l := c.Latency
		row("%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%d", c.Name, c.Count, c.PerSecond, l.P50, l.P90, l.P95, l.P99, l.Max, c.ErrorCount)
	}
	a := r.StatusAge.Age
	row("status age\t%d\t\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t", r.StatusAge.Count, a.P50, a.P90, a.P95, a.P99, a.Max)
	if err := t.Flush(); err != nil {
		return err
	}
	p := r.Pods
	text := fmt.Sprintf("\n%d pods in %.1f s: %d succeeded, %d failed, %d not ended, %d not deleted\n"+
		"%d polling cycles: median %.1f ms, maximum %.1f ms\n"+
		"answers without a pod that was created: %d, of %d pods\n",
		p.Requested, r.Duration, p.Succeeded, p.Failed, p.NotEnded, p.NotDeleted, r.Cycles.Count, r.Cycles.P50, r.Cycles.Max, r.LeftOut.Answers, r.LeftOut.Pods)
	for _, c := range r.Calls {
		for _, e := range c.Errors {
			text += fmt.Sprintf("%s failed %d times: %s\n", c.Name, e.Count, e.Message)
		}
	}
	_, err := io.WriteString(w, text)
	return err
}
