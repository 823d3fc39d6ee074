package config

import (
	"fmt"
	"strings"
)

// Origin is the kind of a value's source, in ascending priority.
type Origin int

// The origins of values.
const (
	Default Origin = iota
	File
	Environment
	Flag
)

// Source is the place that a value comes from.
type Source struct {
	Origin Origin
	// Name is the flag with its dashes, the environment variable or the path of
	// the file. It is empty for a default, and for a mistake on the command line
	// that belongs to no flag.
	Name string
	// Line is the line in the file; 0 if the source is not a file.
	Line int
}

// String returns the source for people, such as "environment APP_NAME".
func (s Source) String() string {
	switch s.Origin {
	case Flag:
		if s.Name == "" {
			return "command line"
		}
		return "flag " + s.Name
	case Environment:
		return "environment " + s.Name
	case File:
		if s.Line > 0 {
			return fmt.Sprintf("%s, line %d", s.Name, s.Line)
		}
		return s.Name
	default:
		return "default"
	}
}

// OptionError is one mistake in the configuration.
type OptionError struct {
	// Option is the name, such as "[app] socket_port"; empty if the mistake does
	// not concern an option, such as an unknown flag.
	Option string
	Source Source
	// Problem says what is wrong and what would be right. It never contains a
	// secret.
	Problem string
}

// Error returns the option, its source and the problem.
func (e OptionError) Error() string {
	if e.Option == "" {
		return fmt.Sprintf("%s: %s", e.Source, e.Problem)
	}
	return fmt.Sprintf("%s (%s): %s", e.Option, e.Source, e.Problem)
}

// Errors contains all mistakes in the configuration. As an error it is never empty.
type Errors []OptionError

// Error returns the errors, one per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the individual errors.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}
