package config

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Print writes each option with its source and its value, for people. Secrets
// are masked.
func (r *ParseResult) Print(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "configuration file: %s\n\nOPTION\tFROM\tVALUE\n", cmp.Or(r.File, "none"))
	for _, setting := range r.Settings {
		fmt.Fprintf(&text, "%s\t%s\t%s\n", setting.Option.Name(), setting.Source, setting.Value)
	}
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if _, err := io.WriteString(out, text.String()); err != nil {
		return err
	}
	return out.Flush()
}
