package translate

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// NeedsOriginal reports whether a variable of the pod arrived without its meaning, and nothing
// in the request says for sure what it was: only the pod as the user wrote it would
// (docs/contract.md, ENV-17).
func NeedsOriginal(request *wire.CreateRequest, options Options) bool {
	t := newTranslation(request, options)
	t.restoreVariables(request.Pod.Spec.DeepCopy())
	return t.needsOriginal
}

// restoreVariables gives the variables that come from fields of the pod their source again,
// where the virtual kubelet has replaced it by something else than what the field means in
// the remote cluster (docs/contract.md, ENV-14 to ENV-16).
func (t *translation) restoreVariables(spec *corev1.PodSpec) {
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			t.restoreContainer(&containers[i], spec)
		}
	}
}

func (t *translation) restoreContainer(c *corev1.Container, spec *corev1.PodSpec) {
	arrived := map[string]bool{}
	var env []corev1.EnvVar
	for _, variable := range c.Env {
		arrived[variable.Name] = true
		kind := t.kindOf(c.Name, variable.Name)
		t.needsOriginal = t.needsOriginal || t.mayBeField(c.Name, variable)
		switch {
		case variable.ValueFrom != nil:
		case kind == kindField && t.variableMode() != config.VariablesResolved:
			t.restoreField(c.Name, &variable)
		case kind == kindResource:
			t.restoreResource(c.Name, &variable)
		}
		t.checkCompletionIndex(c.Name, &variable)
		if t.hasSource(c.Name, &variable, spec) {
			env = append(env, variable)
		}
	}
	// The virtual kubelet leaves these out when it resolves variables (ENV-4).
	var added []corev1.EnvVar
	for _, name := range t.namedVariables(c.Name) {
		if kind := t.kindOf(c.Name, name); arrived[name] || kind != kindResource && kind != kindFile {
			continue
		}
		variable := corev1.EnvVar{Name: name, ValueFrom: t.declared(c.Name, name)}
		if variable.ValueFrom == nil {
			variable.ValueFrom = &corev1.EnvVarSource{}
		}
		if t.hasSource(c.Name, &variable, spec) {
			added = append(added, variable)
			t.addedVariables[c.Name] = append(t.addedVariables[c.Name], name)
		}
	}
	if env = append(added, env...); len(env) > 0 || len(c.Env) > 0 {
		c.Env = env
	}
}

// restoreField restores a variable from a field, if it arrived empty or with the address of
// the local pod. Another value is the one that the field has.
func (t *translation) restoreField(container string, variable *corev1.EnvVar) {
	path, sure := t.fieldPath(container, *variable)
	t.needsOriginal = t.needsOriginal || !sure
	switch {
	case path != "":
		if variable.Value != "" && !sure {
			t.warn(WarnVariables, "variable %s of container %s is taken for the address of the pod: it comes from a field of the pod, and a label or annotation has the same value %q; write its value into the pod, or create the pod with kubectl apply", variable.Name, container, variable.Value)
		}
		variable.Value, variable.ValueFrom = "", &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
	case variable.Value == "" && (variable.Name != completionIndex || !t.isOfJob()): // see checkCompletionIndex
		t.warn(WarnVariables, "variable %s of container %s is empty: it comes from a field of the pod, and nothing says from which one; write its value into the pod, or create the pod with kubectl apply", variable.Name, container)
	}
}

// restoreResource restores a variable from a resource of a container. It arrives as the text
// of a quantity, whatever its divisor is, and as 0 if the resource is not set (ENV-8).
func (t *translation) restoreResource(container string, variable *corev1.EnvVar) {
	if from := t.declared(container, variable.Name); from != nil && from.ResourceFieldRef != nil {
		variable.Value, variable.ValueFrom = "", from
		return
	}
	t.needsOriginal = true
	t.warn(WarnVariables, "variable %s of container %s has the value %q, as the pod spells it: another number may be meant, and nothing says which resource it is, and in which unit; write the number into the pod, or create the pod with kubectl apply", variable.Name, container, variable.Value)
}

// hasSource reports whether the remote kubelet can find out the value of a variable. If not,
// the variable must be left out: the container would not start.
func (t *translation) hasSource(container string, variable *corev1.EnvVar, spec *corev1.PodSpec) bool {
	from := variable.ValueFrom
	switch {
	case from == nil:
		return true
	case from.ResourceFieldRef != nil:
		other := from.ResourceFieldRef.ContainerName
		if other == "" || hasContainer(spec, other) {
			return true
		}
		t.warn(WarnVariables, "variable %s of container %s is left out: it is about a resource of container %s, which the remote pod does not have", variable.Name, container, other)
		return false
	case *from != corev1.EnvVarSource{}:
		return true
	}
	if declared := t.declared(container, variable.Name); declared != nil {
		variable.ValueFrom = declared
		return true
	}
	if t.variableKinds().of(container, variable.Name) == kindResource {
		t.needsOriginal = true
		t.warn(WarnVariables, "variable %s of container %s is left out: it comes from a resource, and InterLink does not say which one; write the number into the pod, create the pod with kubectl apply, or set SkipDownwardAPIResolution in the virtual kubelet", variable.Name, container)
		return false
	}
	t.warn(WarnVariables, "variable %s of container %s is left out: InterLink does not send where it comes from, for example a file (fileKeyRef); create the pod with kubectl apply", variable.Name, container)
	return false
}

// checkCompletionIndex fills the index of an Indexed Job, which must not run without it: all
// pods of the Job would do the work of one (docs/contract.md, ENV-18).
func (t *translation) checkCompletionIndex(container string, variable *corev1.EnvVar) {
	kind := t.variableKinds().of(container, variable.Name)
	if variable.Name != completionIndex || kind == kindLiteral || kind == kindInlined || !t.isOfJob() {
		return
	}
	value := variable.Value
	if from := variable.ValueFrom; from != nil {
		if from.FieldRef == nil {
			return
		}
		value, _ = localField(t.pod, from.FieldRef.FieldPath)
	}
	if value != "" {
		return
	}
	for _, path := range completionIndexFields {
		if value, _ := localField(t.pod, path); value != "" {
			variable.Value, variable.ValueFrom = "", &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
			return
		}
	}
	t.addProblem("variable %s of container %s is empty, and the pod has neither the annotation nor the label %s, so it would run without its index: do not remove them from the pods of an Indexed Job", variable.Name, container, batchv1.JobCompletionIndexAnnotation)
}
