package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// commandLine contains the values of the flags.
type commandLine struct {
	config                            string
	help, version, printConfig, check bool
	values                            map[string]string // of the options, by flag
}

// flagValue is an option's value on the command line, as written.
type flagValue struct {
	text string
	kind Kind
}

// String returns the value, for the help.
func (v *flagValue) String() string { return v.text }

// Set stores the value.
func (v *flagValue) Set(text string) error { v.text = text; return nil }

// Type returns the name of the value in the help; for booleans, pflag expects "bool".
func (v *flagValue) Type() string {
	if v.kind == Bool {
		return "bool"
	}
	return string(v.kind)
}

// flagSet declares every flag. It declares options as texts, so that its errors
// cannot show a value and the same checks apply to all sources.
func flagSet(line *commandLine) *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.Usage = func() {}
	flags.StringVar(&line.config, "config", "", "Path of the configuration `file`. Without this flag: $"+fileVariable+", or else "+defaultFile+" if that file exists.")
	flags.BoolVar(&line.printConfig, "print-config", false, "Print each option with its value and its source, and exit.")
	flags.BoolVar(&line.check, "check", false, "Check the configuration and the permissions in the remote cluster, and exit.")
	flags.BoolVar(&line.version, "version", false, "Print the version and exit.")
	flags.BoolVarP(&line.help, "help", "h", false, "Print this help and exit.")
	for _, option := range table {
		flags.Var(&flagValue{option.Default, option.Kind}, option.Flag(), option.Help)
		if option.Kind == Bool {
			flags.Lookup(option.Flag()).NoOptDefVal = "true"
		}
	}
	return flags
}

// parseFlags reads the command line. It ignores an unknown flag and continues, so
// that it reports all unknown flags.
func parseFlags(args []string) (commandLine, Errors) {
	var problems Errors
	for {
		line := commandLine{values: map[string]string{}}
		flags := flagSet(&line)
		err := flags.Parse(args)
		if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && unknown.GetSpecifiedShortnames() == "" {
			name := "--" + unknown.GetSpecifiedName()
			problems = append(problems, flagError(presentable(name), "is not a flag of this program"+suggest(name, flagNames(flags))))
			at := slices.IndexFunc(args, func(arg string) bool { return arg == name || strings.HasPrefix(arg, name+"=") })
			if at >= 0 {
				args = slices.Delete(slices.Clone(args), at, at+1)
				continue
			}
		} else if err != nil {
			problems = append(problems, describeFlagError(err))
		} else if flags.NArg() > 0 && len(problems) == 0 {
			words := "1 argument belongs"
			if flags.NArg() > 1 {
				words = fmt.Sprintf("%d arguments belong", flags.NArg())
			}
			problems = append(problems, flagError("", words+" to no flag; write a value as --flag=value, in quotes if it contains spaces"))
		}
		flags.Visit(func(f *pflag.Flag) { line.values[f.Name] = f.Value.String() })
		return line, problems
	}
}

// describeFlagError returns an error of pflag without the value that it quotes.
func describeFlagError(err error) OptionError {
	if needs, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return flagError("--"+needs.GetSpecifiedName(), "requires a value")
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return flagError("--"+invalid.GetFlag().Name, "must be true or false")
	}
	return flagError("", "an argument is not valid; write flags as --flag=value")
}

func flagError(name, text string) OptionError {
	return OptionError{Source: Source{Origin: Flag, Name: name}, Problem: text}
}

func flagNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return names
}
