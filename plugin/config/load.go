package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

const (
	// fileVariable is the environment variable that names the file.
	fileVariable = "CONFIG_FILE_PATH"
	// defaultFile is read if it is there.
	defaultFile = "private/config.ini"
)

// Invocation is what a command line asks for.
type Invocation struct {
	// Help, Version, PrintConfig and Check are the flags of these names.
	Help, Version, PrintConfig, Check bool
	// Config is the configuration, to be used only when Parse had no error.
	Config Config
	// Settings say of every option, in the order of the table, what it is set
	// to and where. They hold no secret.
	Settings []Setting
	// File is the file that was read, empty when there was none.
	File string
	// Warnings are for people to read; the program runs in spite of them.
	Warnings []string
}

// Setting is what one option is set to.
type Setting struct {
	Option Option
	// Value is as it was written, on one line, with a mask where it is secret.
	Value  string
	Source Source
}

// Defaults returns the configuration that nobody has touched.
func Defaults() Config {
	var c Config
	for _, option := range table {
		if err := option.set(&c, option.Default); err != nil {
			panic(fmt.Sprintf("the default of %s: %v", option.Name(), err))
		}
	}
	return c
}

// Parse reads the configuration from flags (os.Args without the program), the
// environment (os.Environ) and the file. The error, if any, is of type [Errors]
// and says all that is wrong; even then the Invocation can be printed. With
// Help or Version nothing else is looked at.
func Parse(args, environ []string) (*Invocation, error) {
	line, problems := parseFlags(args)
	inv := &Invocation{Help: line.help, Version: line.version, PrintConfig: line.printConfig, Check: line.check}
	if (inv.Help || inv.Version) && len(problems) == 0 {
		return inv, nil
	}
	env := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	file, wrong := inv.openFile(line.config, env)
	problems = append(problems, wrong...)
	problems = append(problems, inv.settle(line.values, env, file)...)
	inv.Warnings = append(inv.Warnings, file.unknown()...)
	if len(problems) > 0 {
		return inv, problems
	}
	return inv, nil
}

// openFile reads the file that is named, or the default one if it is there.
func (inv *Invocation) openFile(flag string, env map[string]string) (iniFile, Errors) {
	name, source := defaultFile, Source{Origin: File, Name: defaultFile}
	if flag != "" {
		name, source = flag, Source{Origin: Flag, Name: "--config"}
	} else if env[fileVariable] != "" {
		name, source = env[fileVariable], Source{Origin: Environment, Name: fileVariable}
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && source.Origin == File {
		return iniFile{}, nil
	}
	if err != nil {
		return iniFile{}, Errors{{Source: source, Problem: fmt.Sprintf("cannot read the configuration file: %v", err)}}
	}
	inv.File = name
	return readINI(name, string(data))
}

// settle gives every option its value from the strongest place that has one.
func (inv *Invocation) settle(flags, env map[string]string, file iniFile) Errors {
	var problems Errors
	sources := map[string]Source{}
	failed := map[string]bool{}
	inv.Config = Defaults()
	for _, option := range table {
		value, source, err := inv.find(option, flags, env, file)
		if err == nil && source.Origin != Default {
			err = option.assign(&inv.Config, value)
		}
		name := option.Name()
		sources[name] = source
		if err != nil {
			failed[name] = true
			problems = append(problems, OptionError{Option: name, Source: source, Problem: err.Error()})
		}
		if option.Secret && source.Origin == Flag {
			inv.warn("%s is on the command line, where every user of the machine can read it; %s or the file keeps it", name, option.Env())
		}
		inv.Settings = append(inv.Settings, Setting{Option: option, Value: option.display(value), Source: source})
	}
	inv.Config.K8s.KubeconfigPathGiven = sources["[k8s] kubeconfig_path"].Origin != Default
	for _, p := range inv.Config.together() {
		// What is wrong by itself says nothing together with others.
		if name := (Option{Section: p.section, Key: p.key}).Name(); !failed[name] {
			problems = append(problems, OptionError{Option: name, Source: sources[name], Problem: p.text})
		}
	}
	return problems
}

// assign stores a value that somebody configured.
func (o Option) assign(c *Config, value string) error {
	if value == "" && o.Required {
		return errors.New("must not be empty")
	}
	return o.set(c, value)
}

// find returns an option's value and where it comes from.
func (inv *Invocation) find(option Option, flags, env map[string]string, file iniFile) (string, Source, error) {
	// An empty value says something only where it is text.
	counts := func(value string, there bool) bool {
		return there && (option.Kind == Text || strings.TrimSpace(value) != "")
	}
	if value, ok := flags[option.Flag()]; counts(value, ok) {
		return strings.TrimSpace(value), Source{Origin: Flag, Name: "--" + option.Flag()}, nil
	}
	if value, ok := env[option.Env()]; counts(value, ok) {
		if option.serviceLink(value) {
			inv.warn("%s is ignored: it is Kubernetes' link to a service of that name; enableServiceLinks: false in the pod prevents it", option.Env())
		} else {
			return strings.TrimSpace(value), Source{Origin: Environment, Name: option.Env()}, nil
		}
	}
	value, line, ok, err := file.lookup(option)
	if err != nil || counts(value, ok) {
		return strings.TrimSpace(value), Source{Origin: File, Name: file.path, Line: line}, err
	}
	return option.Default, Source{}, nil
}

// serviceLink recognises what Kubernetes puts into the environment of a pod for
// a service called app-socket or tcp-tunnel-gateway.
func (o Option) serviceLink(value string) bool {
	return strings.HasSuffix(o.Key, "_port") && strings.Contains(value, "://")
}

func (inv *Invocation) warn(format string, args ...any) {
	inv.Warnings = append(inv.Warnings, fmt.Sprintf(format, args...))
}
