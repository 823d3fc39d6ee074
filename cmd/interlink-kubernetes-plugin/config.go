package main

import (
	"github.com/spf13/cobra"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

func (p *program) configCommand() *cobra.Command {
	group := p.group("config", groupConfig, "Print the configuration, its reference, or a file to begin with")
	group.Example = `  interlink-kubernetes-plugin config sample >config.ini
  interlink-kubernetes-plugin config print --config config.ini`

	show := &cobra.Command{
		Use: "print", Args: cobra.ArbitraryArgs,
		Short: "Print each option with its value and its source",
		Long: `Prints each option with its value and its source: a flag, an environment variable, the file or the
default. Secrets are not shown. All mistakes are reported together.

Exit codes: 0 the configuration is valid, 2 it is not.`,
		Example: `  # What is not a default?
  interlink-kubernetes-plugin config print --config config.ini | grep -v ' default '

  interlink-kubernetes-plugin config print --config config.ini -o json`,
		RunE: func(command *cobra.Command, args []string) error {
			if err := noArguments(args); err != nil {
				return invalid(err)
			}
			format, err := formatOf(command)
			if err != nil {
				return err
			}
			return p.printConfig(command, format)
		},
	}
	addFormat(show, "table", "json", "yaml")
	p.takesOptions(show)

	text := func(name, short, long, example string, content func() []byte) *cobra.Command {
		return &cobra.Command{
			Use: name, Short: short, Long: long, Example: example, Args: cobra.ArbitraryArgs,
			RunE: func(_ *cobra.Command, args []string) error {
				if err := noArguments(args); err != nil {
					return invalid(err)
				}
				_, err := p.stdout.Write(content())
				return err
			},
		}
	}
	group.AddCommand(show,
		text("reference", "Print what each option means, as Markdown",
			"Prints every option with its environment variable, flag, kind, default and meaning, as Markdown.",
			"  interlink-kubernetes-plugin config reference | less", config.Reference),
		text("sample", "Print a configuration file with every option",
			"Prints a configuration file with every option and its default, commented out.",
			"  interlink-kubernetes-plugin config sample >config.ini", config.Sample))
	return group
}

// setting is an option as programs read it.
type setting struct {
	Option string `json:"option"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// printConfig prints the configuration, also one that is not valid.
func (p *program) printConfig(command *cobra.Command, format string) error {
	_, tracesErr := tracing.Read(p.environ)
	parsed, err := p.load(command, tracesErr)
	if format == "json" || format == "yaml" {
		document := struct {
			File     string    `json:"file"`
			Options  []setting `json:"options"`
			Warnings []string  `json:"warnings"`
		}{File: parsed.File, Options: []setting{}, Warnings: append([]string{}, parsed.Warnings...)}
		for _, s := range parsed.Settings {
			document.Options = append(document.Options, setting{s.Option.Name(), s.Value, s.Source.String()})
		}
		if writeErr := writerOf(format)(p.stdout, document); writeErr != nil {
			return writeErr
		}
		return err
	}
	if printErr := parsed.Print(p.stdout); printErr != nil {
		return printErr
	}
	return err
}
