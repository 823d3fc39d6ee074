package config

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Print writes every option, where it comes from and its value, for people.
// Secrets are masked.
func (inv *Invocation) Print(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "configuration file: %s\n\nOPTION\tFROM\tVALUE\n", cmp.Or(inv.File, "none"))
	for _, setting := range inv.Settings {
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
	return "Usage: interlink-kubernetes-plugin [flags]\n\n" +
		"A flag is stronger than the environment, that than the file, and that than the default.\n" +
		"The option [app] socket_port is APP_SOCKET_PORT in the environment.\n\n" +
		flagSet(&commandLine{}).FlagUsages()
}

// Sample returns a configuration file in which every option stands with its
// default, as a comment.
func Sample() []byte {
	var out bytes.Buffer
	out.WriteString(`# Configuration of the InterLink Kubernetes plugin.
# Generated from the table in plugin/config: go test ./plugin/config -update
#
# Every option stands here with its default; take the ; away to change it.
# The environment is stronger than this file: [app] socket_port is
# APP_SOCKET_PORT there. Flags are stronger still: --app-socket-port.
# A comment stands on a line of its own. A value may go on in further lines,
# which are indented. A % is written %%.
`)
	for _, section := range sections() {
		fmt.Fprintf(&out, "\n[%s]\n", section)
		for _, option := range table {
			if option.Section == section {
				fmt.Fprintf(&out, "# %s (%s)\n;%s=%s\n", option.Help, option.Kind, option.Key, strings.ReplaceAll(option.Default, "%", "%%"))
			}
		}
	}
	return out.Bytes()
}

// Reference returns the table of options in Markdown.
func Reference() []byte {
	var out bytes.Buffer
	code := func(s string) string {
		if s == "" {
			return ""
		}
		return "`" + s + "`"
	}
	fmt.Fprintf(&out, "Flags are stronger than the environment, that than the file, and that than the default. The file is\n"+
		"`--config`, else `$%s`, else `%s` if it is there; `manifests/config.sample.ini` shows every option.\n\n", fileVariable, defaultFile)
	cell := strings.NewReplacer("|", `\|`, "<", "&lt;")
	for _, section := range sections() {
		fmt.Fprintf(&out, "### `[%s]`\n\n", section)
		out.WriteString("| Key | Environment | Flag | Kind | Default | Meaning |\n|---|---|---|---|---|---|\n")
		for _, option := range table {
			if option.Section != section {
				continue
			}
			mark := ""
			if !option.Python {
				mark = " *new*"
			}
			if option.Secret {
				mark += " *secret*"
			}
			fmt.Fprintf(&out, "| `%s`%s | `%s` | `--%s` | %s | %s | %s |\n", option.Key, mark, option.Env(), option.Flag(),
				option.Kind, code(option.Default), cell.Replace(option.Help))
		}
		out.WriteString("\n")
	}
	out.WriteString("*new*: the Python plugin does not have it. *secret*: never shown.\n")
	return out.Bytes()
}
