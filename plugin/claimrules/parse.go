package claimrules

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// Parse reads rules: a list of them in YAML or JSON, alone or under the key rules. Its errors
// name all problems, and each key that a rule does not have.
func Parse(text []byte) (Rules, error) {
	encoded, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, oneLine(err)
	}
	var file struct {
		Rules Rules `json:"rules"`
	}
	if bytes.HasPrefix(encoded, []byte("[")) {
		err = yaml.UnmarshalStrict(text, &file.Rules)
	} else {
		err = yaml.UnmarshalStrict(text, &file)
	}
	if err != nil {
		return nil, oneLine(err)
	}
	if len(file.Rules) == 0 {
		return nil, errors.New("there is no rule in it")
	}
	var problems []error
	for i := range file.Rules {
		for _, problem := range file.Rules[i].check() {
			problems = append(problems, fmt.Errorf("rule %d: %w", i+1, problem))
		}
	}
	if len(problems) == 0 {
		problems = file.Rules.nested()
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return file.Rules, nil
}

// check returns what is wrong with a rule.
func (r *Rule) check() []error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, patterns := range []struct {
		key   string
		items []string
	}{{"namespaces", r.Namespaces}, {"claims", r.Claims}, {"volumes", r.Volumes}} {
		for _, item := range patterns.items {
			if _, err := path.Match(item, ""); err != nil || item == "" {
				add("%s: %q must be a name or a pattern such as data-*", patterns.key, item)
			}
		}
	}
	if unknown := unknownPlaceholder(r.Remote); unknown != "" {
		add("remote: %s is not known: write %s or %s", unknown, namespacePlaceholder, claimPlaceholder)
	} else if strings.Count(r.Remote, namespacePlaceholder) > 1 || strings.Count(r.Remote, claimPlaceholder) > 1 {
		add("remote: a placeholder is there twice")
	} else if wrong := validation.IsDNS1123Subdomain(replace(r.remote(), "a", "a")); len(wrong) > 0 {
		add("remote: %q is not a valid name: %s", r.Remote, strings.Join(wrong, "; "))
	} else if why := ambiguous(r.Remote); why != "" {
		add("remote: %s", why)
	}
	if unknown := unknownPlaceholder(r.SubPath); unknown != "" {
		add("subPath: %s is not known: write %s or %s", unknown, namespacePlaceholder, claimPlaceholder)
	} else if sub := replace(r.SubPath, "a", "a"); sub != "" && (path.IsAbs(sub) || path.Clean(sub) != sub || sub == "." || strings.HasPrefix(sub, "..") || strings.ContainsAny(sub, "$\\")) {
		add("subPath: %q must be a folder of the claim, such as users/%s: without / at its ends, .. or $", r.SubPath, namespacePlaceholder)
	} else if why := ambiguous(r.SubPath); why != "" {
		add("subPath: %s", why)
	}
	if r.UserSubPaths && r.SubPath == "" {
		add("userSubPaths is only for a rule with a subPath")
	}
	if (r.ReadOnly || r.SubPath != "") && r.namesNothing() {
		add("readOnly and subPath need claims or remote: a pod could avoid them with another name of its volume")
	}
	if r.Create != nil {
		for _, problem := range r.Create.Check() {
			add("create: %w", problem)
		}
	}
	return problems
}

var placeholder = regexp.MustCompile(`\{[^}]*\}?`)

// unknownPlaceholder returns a placeholder that is not known, or "".
func unknownPlaceholder(text string) string {
	for _, found := range placeholder.FindAllString(text, -1) {
		if found != namespacePlaceholder && found != claimPlaceholder {
			return found
		}
	}
	return ""
}

// oneLine returns an error of the YAML library without its line breaks.
func oneLine(err error) error {
	text := strings.TrimPrefix(err.Error(), "error unmarshaling JSON: while decoding JSON: json: ")
	return errors.New(strings.Join(strings.Fields(text), " "))
}
