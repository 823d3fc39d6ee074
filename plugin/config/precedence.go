package config

import (
	"errors"
	"strings"
)

// resolve sets each option to the value of the source with the highest priority,
// and validates the configuration.
func (r *ParseResult) resolve(flags, env map[string]string, file iniFile) Errors {
	var problems Errors
	sources := map[string]Source{}
	failed := map[string]bool{}
	r.Config = Defaults()
	for _, option := range table {
		value, source, err := r.find(option, flags, env, file)
		if err == nil && source.Origin != Default {
			err = option.assign(&r.Config, value)
		}
		name := option.Name()
		sources[name] = source
		if err != nil {
			failed[name] = true
			problems = append(problems, OptionError{Option: name, Source: source, Problem: err.Error()})
		}
		if option.Secret && source.Origin == Flag {
			r.warn("%s is on the command line, which every user of the machine can read; use %s or the configuration file", name, option.Env())
		}
		r.Settings = append(r.Settings, Setting{Option: option, Value: option.display(value), Source: source})
	}
	r.Config.K8s.KubeconfigPathGiven = sources["[k8s] kubeconfig_path"].Origin != Default
	for _, p := range r.Config.crossValidate() {
		// An option that is invalid by itself is reported once.
		if name := (Option{Section: p.section, Key: p.key}).Name(); !failed[name] {
			problems = append(problems, OptionError{Option: name, Source: sources[name], Problem: p.text})
		}
	}
	return problems
}

// assign stores a value that does not come from the table.
func (o Option) assign(c *Config, value string) error {
	if value == "" && o.Required {
		return errors.New("must not be empty")
	}
	return o.set.parse(c, value)
}

// find returns the value of an option and its source. Flags have priority over the
// environment, the environment over the file, and the file over the default.
func (r *ParseResult) find(option Option, flags, env map[string]string, file iniFile) (string, Source, error) {
	// An empty value counts as set only if the option is a text.
	isSet := func(value string, found bool) bool {
		return found && (option.Kind == Text || strings.TrimSpace(value) != "")
	}
	if value, ok := flags[option.Flag()]; isSet(value, ok) {
		return strings.TrimSpace(value), Source{Origin: Flag, Name: "--" + option.Flag()}, nil
	}
	if value, ok := env[option.Env()]; isSet(value, ok) {
		if option.isServiceLink(value) {
			r.warn("%s is ignored: Kubernetes sets it for a Service of that name; to prevent this, set enableServiceLinks: false in the pod", option.Env())
		} else {
			return strings.TrimSpace(value), Source{Origin: Environment, Name: option.Env()}, nil
		}
	}
	value, line, ok, err := file.lookup(option)
	if err != nil || isSet(value, ok) {
		return strings.TrimSpace(value), Source{Origin: File, Name: file.path, Line: line}, err
	}
	return option.Default, Source{}, nil
}

// isServiceLink recognizes a variable that Kubernetes sets in the pods of a
// namespace for a Service named app-socket or tcp-tunnel-gateway.
func (o Option) isServiceLink(value string) bool {
	return strings.HasSuffix(o.Key, "_port") && strings.Contains(value, "://")
}
