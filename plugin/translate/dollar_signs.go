package translate

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// The kubelet replaces $(NAME) and $$ in the value of a variable, but not in a value that
// comes from a ConfigMap, a Secret or a field. The virtual kubelet sends all of them as
// plain values. It has replaced $(NAME) and $$ itself, or has not: that is an option of the
// virtual kubelet, and no request says which (docs/contract.md, ENV-2 and ENV-5).

// escapeValues writes each $ of a container's values twice that the remote kubelet must not
// replace.
func (t *translation) escapeValues(c *corev1.Container) {
	names := map[string]bool{}
	for _, variable := range c.Env {
		names[variable.Name] = true
	}
	anyExpanded := false
	for i := range c.Env {
		variable := &c.Env[i]
		if !strings.Contains(variable.Value, "$") {
			continue
		}
		if t.isExpanded(c.Name, variable, names) {
			anyExpanded = anyExpanded || strings.Contains(variable.Value, "$(")
		} else {
			variable.Value = t.escapeLiteral(c.Name, variable)
		}
	}
	if anyExpanded {
		t.inlinedFirst(c)
	}
}

// escapeLiteral returns a value that the remote kubelet must not change. Only where the user
// refers to a variable that the virtual kubelet has left out, and that was restored, the
// remote kubelet has to do what the virtual kubelet could not (ENV-4 and ENV-16).
func (t *translation) escapeLiteral(container string, variable *corev1.EnvVar) string {
	value := escapeDollars(variable.Value)
	if t.variableKinds().of(container, variable.Name) == kindLiteral {
		for _, name := range t.addedVariables[container] {
			value = strings.ReplaceAll(value, escapeDollars("$("+name+")"), "$("+name+")")
		}
	}
	return value
}

// isExpanded reports whether the remote kubelet must replace $(NAME) and $$ in a value:
// the user wrote it, and the virtual kubelet has not replaced them.
func (t *translation) isExpanded(container string, variable *corev1.EnvVar, names map[string]bool) bool {
	mode := t.variableMode()
	if mode == config.VariablesResolved {
		return false
	}
	kind := t.kindOf(container, variable.Name)
	switch {
	case kind != kindLiteral && kind != kindUnknown:
		return false
	case kind == kindLiteral && mode == config.VariablesUnresolved, !isReplaced(variable.Value, names):
		return true
	}
	// Nothing says it, or what is right. Of the values that a user writes, hardly any has
	// $(NAME) or $$ after a resolution. Of others, a name that a variable of the container
	// has was most likely meant, and a $$ without such a name is more often part of a
	// password than an escaped $.
	expanded := kind == kindLiteral || refersToAny(variable.Value, names)
	result := "they stay as they arrived"
	if expanded {
		result = "the kubelet replaces $(NAME) and $$"
	}
	t.warn(WarnVariables, "variable %s of container %s: nothing says who wrote its $ signs, the user or an object, so %s ([offloading] variables)", variable.Name, container, result)
	return expanded
}

// inlinedFirst moves the variables of envFrom sources before all others, where Kubernetes
// has them: the kubelet replaces $(NAME) only if the variable NAME comes before. The
// virtual kubelet appends them (docs/contract.md, ENV-11).
func (t *translation) inlinedFirst(c *corev1.Container) {
	rank := func(variable corev1.EnvVar) int {
		if t.variableKinds().of(c.Name, variable.Name) == kindInlined {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(c.Env, func(a, b corev1.EnvVar) int { return rank(a) - rank(b) })
}

// variableMode says whether the virtual kubelet has resolved the variables of the pod. It is
// auto if nothing shows it.
func (t *translation) variableMode() config.VariableMode {
	if mode := t.options.Variables; mode == config.VariablesResolved || mode == config.VariablesUnresolved {
		return mode
	}
	if t.mode == "" {
		t.mode = t.shownMode()
	}
	return t.mode
}

func (t *translation) shownMode() config.VariableMode {
	containers := slices.Concat(t.pod.Spec.InitContainers, t.pod.Spec.Containers)
	kinds := t.variableKinds()
	for i := range containers {
		arrived := map[string]bool{}
		for _, variable := range containers[i].Env {
			arrived[variable.Name] = true
			if variable.ValueFrom != nil || t.kindOf(containers[i].Name, variable.Name) == kindResource || t.isUnfilled(containers[i].Name, variable) {
				return config.VariablesUnresolved // ENV-6 to ENV-9
			}
		}
		for name := range kinds[containers[i].Name] {
			if !arrived[name] {
				return config.VariablesResolved // ENV-2 and ENV-4
			}
		}
	}
	if t.appliedValuesAreReplaced(containers) {
		return config.VariablesResolved
	}
	return config.VariablesAuto
}

// appliedValuesAreReplaced reports whether kubectl's copy of the manifest has the value of a
// variable with $(NAME) or $$, and the value that arrived has them replaced.
func (t *translation) appliedValuesAreReplaced(containers []corev1.Container) bool {
	for _, container := range t.applied() {
		i := slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == container.Name })
		if i < 0 {
			continue
		}
		values := map[string]string{}
		for _, variable := range containers[i].Env {
			values[variable.Name] = variable.Value
		}
		for n, variable := range container.Env {
			arrived, ok := values[variable.Name]
			if variable.ValueFrom != nil {
				continue
			}
			known := maps.Clone(values) // only those before the variable, and those of envFrom
			for _, later := range container.Env[n:] {
				delete(known, later.Name)
			}
			if ok && variable.Value != arrived && expand(variable.Value, known) == arrived {
				return true
			}
		}
	}
	return false
}

// escapeDollars returns a text that the kubelet turns into the given one.
func escapeDollars(text string) string { return strings.ReplaceAll(text, "$", "$$") }

// isReplaced reports whether the kubelet replaces anything in a value. names are those of
// the variables.
func isReplaced(value string, names map[string]bool) bool {
	return strings.Contains(value, "$$") || refersToAny(value, names)
}

// refersToAny reports whether a value has $(NAME) with one of these names.
func refersToAny(value string, names map[string]bool) bool {
	found := false
	replace(value, func(name string) (string, bool) {
		found = found || names[name]
		return "", false
	})
	return found
}

// expand returns a value as the kubelet gives it to a container.
func expand(value string, values map[string]string) string {
	return replace(value, func(name string) (string, bool) {
		text, ok := values[name]
		return text, ok
	})
}

// replace replaces $$ by $, and $(NAME) by what valueOf returns for NAME, if it returns
// anything:
// https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
func replace(text string, valueOf func(name string) (string, bool)) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		text = after
		if rest, ok := strings.CutPrefix(text, "$"); ok {
			out.WriteString("$")
			text = rest
			continue
		}
		if rest, ok := strings.CutPrefix(text, "("); ok {
			if name, rest, closed := strings.Cut(rest, ")"); closed {
				if value, ok := valueOf(name); ok {
					out.WriteString(value)
					text = rest
					continue
				}
				out.WriteString("$(" + name + ")")
				text = rest
				continue
			}
		}
		out.WriteString("$")
	}
}
