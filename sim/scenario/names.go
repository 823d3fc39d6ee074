package scenario

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
)

// checkLabels reports labels and annotations that an API server refuses:
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
func (r *reader) checkLabels(n *yaml.Node, meta *metav1.ObjectMeta) {
	path := field.NewPath("metadata", "annotations")
	for _, key := range slices.Sorted(maps.Keys(meta.Annotations)) {
		r.report(n, key, apivalidation.ValidateAnnotations(map[string]string{key: ""}, path))
	}
	if err := apivalidation.ValidateAnnotationsSize(meta.Annotations); err != nil {
		r.problem(find(n, "metadata", "annotations").Line, "metadata.annotations: %v", err)
	}
	path = field.NewPath("metadata", "labels")
	for _, key := range slices.Sorted(maps.Keys(meta.Labels)) {
		r.report(n, key, metavalidation.ValidateLabels(map[string]string{key: meta.Labels[key]}, path))
	}
}

// report reports what is wrong with a label or annotation.
func (r *reader) report(n *yaml.Node, key string, problems field.ErrorList) {
	for _, problem := range problems {
		_, list, _ := strings.Cut(problem.Field, ".")
		r.problem(find(n, "metadata", list, key).Line, "%s: %q: %s", problem.Field, problem.BadValue, problem.Detail)
	}
}

// checkPodNames reports names within a pod that an API server refuses.
func (r *reader) checkPodNames(n *yaml.Node, pod *corev1.Pod) {
	label := func(name, what string, path ...string) {
		for _, problem := range validation.IsDNS1123Label(name) {
			r.problem(find(n, path...).Line, "%s %q: %s", what, name, problem)
		}
	}
	if pod.Spec.Hostname != "" {
		label(pod.Spec.Hostname, "hostname", "spec", "hostname")
	}
	if pod.Spec.Subdomain != "" {
		label(pod.Spec.Subdomain, "subdomain", "spec", "subdomain")
	}
	r.checkPlacementNames(n, &pod.Spec)
	for i, volume := range pod.Spec.Volumes {
		label(volume.Name, "volume", "spec", "volumes", strconv.Itoa(i), "name")
	}
	for _, list := range []struct {
		field      string
		containers []corev1.Container
	}{{"initContainers", pod.Spec.InitContainers}, {"containers", pod.Spec.Containers}} {
		for i, c := range list.containers {
			if c.Name != "" { // an empty one is reported already
				label(c.Name, "container", "spec", list.field, strconv.Itoa(i), "name")
			}
			for p, port := range c.Ports {
				for _, problem := range portProblems(port.Name) {
					r.problem(find(n, "spec", list.field, strconv.Itoa(i), "ports", strconv.Itoa(p), "name").Line, "port %q: %s", port.Name, problem)
				}
			}
			for v, variable := range c.Env {
				// Not IsEnvVarName: an API server of today accepts more.
				for _, problem := range validation.IsRelaxedEnvVarName(variable.Name) {
					r.problem(find(n, "spec", list.field, strconv.Itoa(i), "env", strconv.Itoa(v), "name").Line, "variable %q: %s", variable.Name, strings.TrimSpace(problem))
				}
			}
		}
	}
}

// checkPlacementNames reports names of objects, and of labels of nodes, that choose where a pod
// runs.
func (r *reader) checkPlacementNames(n *yaml.Node, spec *corev1.PodSpec) {
	for _, object := range []struct{ name, what, field string }{
		{spec.NodeName, "node", "nodeName"},
		{spec.ServiceAccountName, "service account", "serviceAccountName"},
		{spec.PriorityClassName, "priority class", "priorityClassName"},
		{ptr.Deref(spec.RuntimeClassName, ""), "runtime class", "runtimeClassName"},
	} {
		if object.name == "" {
			continue
		}
		for _, problem := range validation.IsDNS1123Subdomain(object.name) {
			r.problem(find(n, "spec", object.field).Line, "%s %q: %s", object.what, object.name, problem)
		}
	}
	path := field.NewPath("spec", "nodeSelector")
	for _, key := range slices.Sorted(maps.Keys(spec.NodeSelector)) {
		for _, problem := range metavalidation.ValidateLabels(map[string]string{key: spec.NodeSelector[key]}, path) {
			r.problem(find(n, "spec", "nodeSelector", key).Line, "%s: %q: %s", problem.Field, problem.BadValue, problem.Detail)
		}
	}
}

func portProblems(name string) []string {
	if name == "" {
		return nil
	}
	return validation.IsValidPortName(name)
}
