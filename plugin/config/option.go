package config

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
)

// Kind is the kind of an option's value, as the help shows it.
type Kind string

// The kinds of values.
const (
	Text     Kind = "text"
	Bool     Kind = "true or false"
	Number   Kind = "number"
	Duration Kind = "duration"
	Size     Kind = "size"
	Mode     Kind = "octal mode"
	Level    Kind = "log level"
	Choice   Kind = "choice"
	List     Kind = "list"
	JSON     Kind = "JSON"
)

// Option is one row of the table: the complete declaration of an option.
type Option struct {
	Section, Key string
	Kind         Kind
	// Default is the default value, written as in the file.
	Default string
	// Choices are the values of a Choice.
	Choices []string
	// Help is one line of text.
	Help string
	// Secret values are never shown.
	Secret bool
	// Python is true if the Python plugin has this option too.
	Python bool
	// Required text must not be empty.
	Required bool
	// Reload is true if a running plugin takes over a new value of the file. The other options need a restart.
	Reload bool

	// block keeps the indentation inside a value of several lines.
	block bool
	// set stores the value.
	set stored
	// show masks the secret part of a value.
	show func(string) string
}

// choice completes the row of an option that has one of a few values, so that the values that are
// accepted and those that are documented are the same.
func choice[T ~string](option Option, field func(*Config) *T, allowed ...T) Option {
	option.Kind, option.set = Choice, setter(field, oneOf(allowed...))
	for _, one := range allowed {
		option.Choices = append(option.Choices, string(one))
	}
	return option
}

// Name returns the option's name for people, such as "[app] socket_port".
func (o Option) Name() string { return "[" + o.Section + "] " + o.Key }

// Env returns the name of the environment variable, such as "APP_SOCKET_PORT".
func (o Option) Env() string { return strings.ToUpper(o.Section + "_" + o.Key) }

// Flag returns the name of the flag without its dashes, such as "app-socket-port".
func (o Option) Flag() string {
	return strings.ReplaceAll(o.Section+"-"+o.Key, "_", "-")
}

// display returns a value on one line, with secrets masked.
func (o Option) display(value string) string {
	switch {
	case o.Secret:
		return Secret(value).String()
	case value != "" && o.show != nil:
		return o.show(value)
	}
	return strings.Join(strings.Fields(value), " ")
}

// Options returns the table of options, in the order of the file.
func Options() []Option { return slices.Clone(table) }

// sections returns the names of the sections, in the order of the table.
func sections() []string {
	var names []string
	for _, option := range table {
		if !slices.Contains(names, option.Section) {
			names = append(names, option.Section)
		}
	}
	return names
}

// stored is where the value of an option is stored in a configuration.
type stored struct {
	// parse parses, checks and stores a value. Its error must not show a secret.
	parse func(*Config, string) error
	// copy stores the value of another configuration, and same compares the values of two.
	copy func(to, from *Config)
	same func(a, b *Config) bool
}

// setter returns where an option is stored: in the field that field returns, once its value is
// parsed and checked.
func setter[T any](field func(*Config) *T, parse func(string) (T, error), checks ...func(T) error) stored {
	return stored{
		parse: func(c *Config, text string) error {
			value, err := parse(text)
			if err != nil {
				return err
			}
			for _, check := range checks {
				if err := check(value); err != nil {
					return err
				}
			}
			*field(c) = value
			return nil
		},
		copy: func(to, from *Config) { *field(to) = *field(from) },
		same: func(a, b *Config) bool { return equality.Semantic.DeepEqual(field(a), field(b)) },
	}
}
