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

// Usage returns the text of --help.
func Usage() string {
	return "Runs the pods of an InterLink virtual node in a remote Kubernetes cluster.\n\n" +
		"Usage: interlink-kubernetes-plugin [flags]\n" +
		"       interlink-kubernetes-plugin orphans list|delete [flags]\n\n" +
		"Each option can be set by a flag, by an environment variable or in the configuration file.\n" +
		"A flag overrides the environment, and the environment overrides the file.\n" +
		"For example, --app-socket-port, APP_SOCKET_PORT and socket_port in section [app] set the same option.\n\n" +
		flagSet(&commandLine{}).FlagUsages()
}
