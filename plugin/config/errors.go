package config

import (
	"fmt"
	"strings"
)

// Origin is a kind of place that a value comes from, the weakest first.
type Origin int

// The places that values come from.
const (
	Default Origin = iota
	File
	Environment
	Flag
)

// Source says where a value comes from.
type Source struct {
	Origin Origin
	// Name is the flag with its dashes, the environment variable or the path
	// of the file. It is empty for a default, and for a fault of the command
	// line that no flag has.
	Name string
	// Line is the line in the file, 0 when there is none.
	Line int
}

// String names the place for people, such as "environment APP_NAME".
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

// OptionError is one thing that is wrong with a configuration.
type OptionError struct {
	// Option is the name as in "[app] socket_port"; empty when the fault is not
	// an option's, such as an unknown flag.
	Option string
	Source Source
	// Problem says what is wrong and what would be right. It never holds a
	// secret.
	Problem string
}

// Error says which option, from where, and what is wrong.
func (e OptionError) Error() string {
	if e.Option == "" {
		return fmt.Sprintf("%s: %s", e.Source, e.Problem)
	}
	return fmt.Sprintf("%s (%s): %s", e.Option, e.Source, e.Problem)
}

// Errors is everything that is wrong with a configuration, never empty as an
// error.
type Errors []OptionError

// Error lists the errors, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single errors.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}
