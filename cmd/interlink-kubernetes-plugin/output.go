package main

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/console"
)

const (
	formatFlag   = "output"
	formatValues = "values" // the annotation of the flag with its values
)

// addFormat adds -o to a command. The first format is the default.
func addFormat(command *cobra.Command, formats ...string) {
	command.Flags().StringP(formatFlag, "o", formats[0], "`format` of the output: "+strings.Join(formats, ", ")+".")
	command.Flags().Lookup(formatFlag).Annotations = map[string][]string{formatValues: formats}
	complete(command, formatFlag, formats...)
}

// formatOf returns the format that -o asks for.
func formatOf(command *cobra.Command) (string, error) {
	flag := command.Flags().Lookup(formatFlag)
	format, formats := flag.Value.String(), flag.Annotations[formatValues]
	if slices.Contains(formats, format) {
		return format, nil
	}
	return "", invalidf("-o: %s is not a format of this command; the formats are %s", shown(format), strings.Join(formats, ", "))
}

// plain matches a word that is safe to show in an error.
var plain = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,80}$`)

// shown returns a word of the command line in quotes, if it can be shown.
func shown(word string) string {
	if plain.MatchString(word) {
		return `"` + word + `"`
	}
	return "the value"
}

// terminalWidth returns the width of a terminal, or 0 if w is none.
func terminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return max(width, 40)
}

// style returns the colors of standard output.
func (p *program) style() console.Style {
	file, ok := p.stdout.(*os.File)
	return console.NewStyle(ok && term.IsTerminal(int(file.Fd())), p.environ)
}

// writerOf returns the function that writes a value as JSON or as YAML.
func writerOf(format string) func(io.Writer, any) error {
	if format == "yaml" {
		return console.WriteYAML
	}
	return console.WriteJSON
}
