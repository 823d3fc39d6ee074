package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

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

// SectionAnnotation is the annotation of an option's flag that holds the option's section.
const SectionAnnotation = "section"

// configFlag is the flag that names the configuration file.
const configFlag = "config"

// AddFlags declares --config and a flag for every option. It declares options as texts, so that
// the errors of flags cannot show a value and the same checks apply to all sources.
func AddFlags(flags *pflag.FlagSet) {
	flags.String(configFlag, "", "Path of the configuration `file`. Without this flag: $"+fileVariable+", or else "+defaultFile+" if that file exists.")
	for _, option := range table {
		flags.Var(&flagValue{option.Default, option.Kind}, option.Flag(), option.Help)
		flag := flags.Lookup(option.Flag())
		flag.Annotations = map[string][]string{SectionAnnotation: {option.Section}}
		if option.Kind == Bool {
			flag.NoOptDefVal = "true"
		}
	}
}

// AddOldFlags declares the flags that say what to do. There are commands for the same.
func AddOldFlags(flags *pflag.FlagSet) {
	flags.Bool("print-config", false, "Print each option with its value and its source, and exit.")
	flags.Bool("check", false, "Check the configuration and the permissions in the remote cluster, and exit.")
	flags.Bool("version", false, "Print the version and exit.")
}

// flagSet declares every flag.
func flagSet() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.Usage = func() {}
	AddOldFlags(flags)
	flags.BoolP("help", "h", false, "Print this help and exit.")
	AddFlags(flags)
	return flags
}

// ParseFlags parses the arguments of a command. It ignores an unknown flag and continues, so
// that it reports all unknown flags. Its errors show no value.
func ParseFlags(flags *pflag.FlagSet, args []string) Errors {
	var problems Errors
	for {
		err := flags.Parse(args)
		unknown, ok := errors.AsType[*pflag.NotExistError](err)
		if !ok || unknown.GetSpecifiedShortnames() != "" {
			if err != nil {
				problems = append(problems, describeFlagError(err))
			}
			return problems
		}
		name := "--" + unknown.GetSpecifiedName()
		problems = append(problems, flagError(presentable(name), "is not a flag of this program"+cmp.Or(suggest(name, flagNames(flags)), "; --help lists them")))
		at := slices.IndexFunc(args, func(arg string) bool { return arg == name || strings.HasPrefix(arg, name+"=") })
		if at < 0 {
			return problems
		}
		args = slices.Delete(slices.Clone(args), at, at+1)
	}
}

// ArgumentsError says that arguments belong to no flag. It does not show them: they may be parts of a secret.
func ArgumentsError(count int) error { return Errors{argumentsError(count)} }

func argumentsError(count int) OptionError {
	words := "1 argument belongs"
	if count > 1 {
		words = fmt.Sprintf("%d arguments belong", count)
	}
	return flagError("", words+" to no flag; write a value as --flag=value, in quotes if it contains spaces")
}

// describeFlagError returns an error of pflag without the value that it quotes.
func describeFlagError(err error) OptionError {
	if needs, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return flagError(dashed(needs.GetSpecifiedName(), needs.GetSpecifiedShortnames()), "requires a value")
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return flagError("--"+invalid.GetFlag().Name, mustBe(invalid.GetFlag().Value.Type()))
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return flagError(presentable("-"+unknown.GetSpecifiedName()), "is not a flag of this program; --help lists them")
	}
	return flagError("", "an argument is not valid; write flags as --flag=value")
}

// dashed returns a flag as it was written: --namespace, or -n of the short names n.
func dashed(name, shortNames string) string {
	if shortNames != "" {
		return "-" + name
	}
	return "--" + name
}

// mustBe says what the value of a flag must be, by pflag's name of its type.
func mustBe(kind string) string {
	switch kind {
	case "bool":
		return "must be true or false"
	case "duration":
		return "must be a duration such as 30s or 5m"
	case "int":
		return "must be a whole number"
	}
	return "is not valid; --help shows what it may be"
}

func flagError(name, text string) OptionError {
	return OptionError{Source: Source{Origin: Flag, Name: name}, Problem: text}
}

func flagNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return names
}
