package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

const (
	// fileVariable is the environment variable that names the configuration file.
	fileVariable = "CONFIG_FILE_PATH"
	// defaultFile is the configuration file if neither the flag nor the variable
	// names one. It need not exist.
	defaultFile = "private/config.ini"
)

// ParseResult is what the command line asks for, with the configuration.
type ParseResult struct {
	// Help, Version, PrintConfig and Check are the flags of these names.
	Help, Version, PrintConfig, Check bool
	// Config is the configuration. It is valid only if Parse returns no error.
	Config Config
	// Settings contains the value and the source of each option, in the order of
	// the table. It shows no secret.
	Settings []Setting
	// File is the path of the configuration file; empty if there is none.
	File string
	// Path is where the configuration file was looked for.
	Path string
	// Warnings are mistakes that do not prevent the program from running.
	Warnings []string
}

// Setting is the value of one option.
type Setting struct {
	Option Option
	// Value is the value as written, on one line, with secrets masked.
	Value  string
	Source Source
}

// Defaults returns the configuration in which every option has its default value.
func Defaults() Config {
	var c Config
	for _, option := range table {
		if err := option.set.parse(&c, option.Default); err != nil {
			panic(fmt.Sprintf("the default of %s: %v", option.Name(), err))
		}
	}
	return c
}

// Parse reads the configuration from the flags (os.Args without the program), the
// environment (os.Environ) and the file. The error, if not nil, has type [Errors]
// and contains all mistakes; even then the result can be printed. With Help or
// Version, Parse reads nothing else.
func Parse(args, environ []string) (*ParseResult, error) {
	flags := flagSet()
	problems := ParseFlags(flags, args)
	if count := flags.NArg(); count > 0 && len(problems) == 0 {
		problems = Errors{argumentsError(count)}
	}
	asked := func(name string) bool { value, err := flags.GetBool(name); return err == nil && value }
	var result *ParseResult
	var err error
	if (asked("help") || asked("version")) && len(problems) == 0 {
		result = &ParseResult{}
	} else {
		result, err = Load(flags, environ)
	}
	result.Help, result.Version, result.PrintConfig, result.Check = asked("help"), asked("version"), asked("print-config"), asked("check")
	problems = append(problems, asErrors(err)...)
	if len(problems) > 0 {
		return result, problems
	}
	return result, nil
}

// asErrors returns the mistakes that are joined in err.
func asErrors(err error) Errors {
	if all, ok := errors.AsType[Errors](err); ok {
		return all
	}
	return nil
}

// Load reads the configuration from flags that [AddFlags] has declared and that are parsed, the
// environment (os.Environ) and the file. The error is that of [Parse]. Load can be called again, to
// read a file that has changed.
func Load(flags *pflag.FlagSet, environ []string) (*ParseResult, error) {
	env := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	values, path := map[string]string{}, ""
	flags.Visit(func(f *pflag.Flag) {
		if f.Name == configFlag {
			path = f.Value.String()
		} else if f.Annotations[SectionAnnotation] != nil {
			values[f.Name] = f.Value.String()
		}
	})
	result := &ParseResult{}
	file, problems := result.openFile(path, env)
	problems = append(problems, result.resolve(values, env, file)...)
	result.Warnings = append(result.Warnings, file.unknown()...)
	if len(problems) > 0 {
		return result, problems
	}
	return result, nil
}

// openFile reads the configuration file: the one that the flag or the variable
// names, or the default file if it exists.
func (r *ParseResult) openFile(flag string, env map[string]string) (iniFile, Errors) {
	name, source := defaultFile, Source{Origin: File, Name: defaultFile}
	if flag != "" {
		name, source = flag, Source{Origin: Flag, Name: "--config"}
	} else if env[fileVariable] != "" {
		name, source = env[fileVariable], Source{Origin: Environment, Name: fileVariable}
	}
	r.Path = name
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && source.Origin == File {
		return iniFile{}, nil
	}
	if err != nil {
		return iniFile{}, Errors{{Source: source, Problem: fmt.Sprintf("cannot read the configuration file: %v", err)}}
	}
	r.File = name
	return readINI(name, string(data))
}

func (r *ParseResult) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}
