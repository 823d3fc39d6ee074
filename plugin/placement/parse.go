package placement

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// Parse reads the rules of a site: a list of rules in YAML or JSON, or an object with the keys
// rules and affinities. Its errors name all problems, and each key that is not known.
func Parse(text []byte) (Rules, error) {
	var r Rules
	encoded, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return Rules{}, oneLine(err)
	}
	if bytes.HasPrefix(encoded, []byte("[")) {
		err = yaml.UnmarshalStrict(text, &r.Rules)
	} else {
		err = yaml.UnmarshalStrict(text, &r)
	}
	if err != nil {
		return Rules{}, oneLine(err)
	}
	if len(r.Rules) == 0 && len(r.Affinities) == 0 {
		return Rules{}, errors.New("there is no rule in it")
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(r.Affinities)) {
		affinity := r.Affinities[name]
		for _, problem := range checkAffinity(&affinity) {
			problems = append(problems, fmt.Errorf("affinity %s: %w", name, problem))
		}
	}
	for i := range r.Rules {
		for _, problem := range r.check(&r.Rules[i]) {
			problems = append(problems, fmt.Errorf("rule %d: %w", i+1, problem))
		}
	}
	if len(problems) > 0 {
		return Rules{}, errors.Join(problems...)
	}
	return r, nil
}

// check returns what is wrong with a rule.
func (r *Rules) check(rule *Rule) []error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	patterns := func(key string, items ...string) {
		for _, item := range items {
			if _, err := path.Match(item, ""); err != nil {
				add("%s: %q must be a text or a pattern such as team-*", key, item)
			}
		}
	}
	m := rule.Match
	patterns("match.namespaces", m.Namespaces...)
	patterns("match.virtualNodes", m.VirtualNodes...)
	patterns("match.resources", m.Resources...)
	for _, key := range slices.Sorted(maps.Keys(m.Labels)) {
		patterns("match.labels", m.Labels[key])
	}
	for _, key := range slices.Sorted(maps.Keys(m.NodeSelector)) {
		patterns("match.nodeSelector", m.NodeSelector[key])
	}
	name := func(key string, value *string) {
		if value != nil && *value != "" {
			if wrong := validation.IsDNS1123Subdomain(*value); len(wrong) > 0 {
				add("%s: %q is not a valid name: %s", key, *value, strings.Join(wrong, "; "))
			}
		}
	}
	name("runtimeClass", rule.RuntimeClass)
	name("priorityClass", rule.PriorityClass)
	name("serviceAccount", rule.ServiceAccount)
	name("scheduler", rule.Scheduler)
	for i := range rule.ImagePullSecrets {
		name("imagePullSecrets", &rule.ImagePullSecrets[i])
	}
	for _, key := range slices.Sorted(maps.Keys(rule.NodeSelector)) {
		if wrong := append(content.IsLabelKey(key), content.IsLabelValue(rule.NodeSelector[key])...); len(wrong) > 0 {
			add("nodeSelector: %s=%s is not valid: %s", key, rule.NodeSelector[key], strings.Join(wrong, "; "))
		}
	}
	for i, t := range rule.Tolerations {
		operators := []corev1.TolerationOperator{"", corev1.TolerationOpExists, corev1.TolerationOpEqual, corev1.TolerationOpLt, corev1.TolerationOpGt}
		if !slices.Contains(operators, t.Operator) || !slices.Contains(append(effects, ""), t.Effect) || t.Key == "" && t.Operator != corev1.TolerationOpExists {
			add("tolerations: number %d is not valid: operator, effect and key must be as in Kubernetes", i+1)
		}
	}
	if name := rule.Affinity; name != nil && *name != "" {
		if _, ok := r.Affinities[*name]; !ok {
			add("affinity: there is no affinity %q under affinities", *name)
		}
	}
	return problems
}

// oneLine returns an error of the YAML library without its line breaks.
func oneLine(err error) error {
	text := strings.TrimPrefix(err.Error(), "error unmarshaling JSON: while decoding JSON: json: ")
	return errors.New(strings.Join(strings.Fields(text), " "))
}
