package workloads

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The parts of an owner's name that a controller generates.
const (
	hashPart  = "[bcdfghjklmnpqrstvwxz2456789]+" // the alphabet of generated names in Kubernetes
	indexPart = "[0-9]+"
)

// generatedOwner matches the names of the owners that a controller makes of one manifest.
func generatedOwner(prefix, part string) *regexp.Regexp {
	return regexp.MustCompile("^" + regexp.QuoteMeta(prefix+"-") + part + "$")
}

// oneTemplate are kinds whose pods all have one template.
var oneTemplate = []string{"batch/v1 Job", "apps/v1 ReplicaSet", "apps/v1 StatefulSet", "apps/v1 DaemonSet", "v1 ReplicationController"}

// roleLabels say which of several templates a pod has.
var roleLabels = []string{
	"training.kubeflow.org/replica-type", "ray.io/node-type", "ray.io/group", "volcano.sh/task-spec",
	"spark-role", "dask.org/component", "jobset.sigs.k8s.io/replicatedjob-name",
}

// SameTemplate reports whether a pod that exists has the template of p: the same owner, but for
// the parts of its name that the controller generates, and, where an owner has several templates,
// the same role. Several templates can fit.
func (p *Pod) SameTemplate(existing *corev1.Pod) bool {
	owner, other := metav1.GetControllerOf(&p.Pod), metav1.GetControllerOf(existing)
	if owner == nil || other == nil || owner.APIVersion != other.APIVersion || owner.Kind != other.Kind || p.Namespace != existing.Namespace || !hasContainers(existing, &p.Pod) {
		return false
	}
	if owner.Name != other.Name && (p.owners == nil || !p.owners.MatchString(other.Name)) {
		return false
	}
	if slices.Contains(oneTemplate, owner.APIVersion+" "+owner.Kind) {
		return true
	}
	known := false
	for _, label := range roleLabels {
		role, labeled := existing.Labels[label]
		if !labeled {
			continue
		}
		known = true
		if own := p.Labels[label]; own != role && (own != "" || !slices.Contains(p.roles, strings.ToLower(role))) {
			return false
		}
	}
	return known || p.From != ""
}

// hasContainers reports whether a pod has all containers of a template. A controller can add
// others.
func hasContainers(pod, template *corev1.Pod) bool {
	return namesIn(pod.Spec.Containers, template.Spec.Containers) && namesIn(pod.Spec.InitContainers, template.Spec.InitContainers)
}

func namesIn(all, some []corev1.Container) bool {
	return !slices.ContainsFunc(some, func(c corev1.Container) bool {
		return !slices.ContainsFunc(all, func(other corev1.Container) bool { return other.Name == c.Name })
	})
}

// rolesOf returns the roles that a controller can give to the pods of a template, by the object
// and the path of the template: the key of the object, such as Master, headGroupSpec or
// workerGroupSpecs, and the names in it.
func rolesOf(object map[string]any, path []string) []string {
	var roles []string
	for _, key := range []string{"name", "groupName", "replicaType"} {
		if name := textOf(object, key); name != "" {
			roles = append(roles, strings.ToLower(name))
		}
	}
	for _, step := range path {
		role := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(step), "s"), "spec")
		roles = append(roles, role)
		if group, ok := strings.CutSuffix(role, "group"); ok {
			roles = append(roles, group)
		}
	}
	return roles
}
