package workloads

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// Pod is a pod that a controller writes.
type Pod struct {
	corev1.Pod
	// From names the manifest with the pod's template, as kind and name.
	From string
	// Placed is true if the pod is on a virtual node, whatever it tolerates.
	Placed bool
	// Hostnames are those of all pods of the template; none if they do not differ.
	Hostnames Indexes
	// FailurePolicy is that of the Job which writes the pod.
	FailurePolicy *batchv1.PodFailurePolicy
	// NotRead names what the controller adds to the pod and is not known here.
	NotRead []string

	// owners matches the names of all owners that the manifest has; nil if it has the one.
	owners *regexp.Regexp
	// roles are those of the template, if its kind is not known.
	roles []string
}

// The parts of names that controllers choose at random are fixed, so that the same manifest
// always gives the same pods.
const (
	randomSuffix    = "x7k2p"
	templateHash    = "6c9f8d7b5"
	scheduleSuffix  = "29384720"
	controllerOwner = types.UID("6f3a1d2e-0000-4000-8000-000000000001")
)

// volcanoKind is Volcano's Job, which is not that of Kubernetes.
var volcanoKind = schema.GroupKind{Group: "batch.volcano.sh", Kind: "Job"}

// builders return the pods of the kinds whose controllers are known.
var builders = map[schema.GroupKind]func(Manifest) ([]Pod, error){
	{Group: "batch", Kind: "Job"}:              typed(podsOfJob),
	{Group: "batch", Kind: "CronJob"}:          typed(podsOfCronJob),
	{Group: "apps", Kind: "Deployment"}:        typed(podsOfDeployment),
	{Group: "apps", Kind: "ReplicaSet"}:        typed(podsOfReplicaSet),
	{Group: "apps", Kind: "StatefulSet"}:       typed(podsOfStatefulSet),
	{Group: "apps", Kind: "DaemonSet"}:         typed(podsOfDaemonSet),
	{Group: "jobset.x-k8s.io", Kind: "JobSet"}: podsOfJobSet,
	volcanoKind: podsOfVolcanoJob,
}

// typed decodes a manifest strictly before it makes pods of it.
func typed[T any](pods func(*T) []Pod) func(Manifest) ([]Pod, error) {
	return func(manifest Manifest) ([]Pod, error) {
		object, err := Decode[T](manifest)
		if err != nil {
			return nil, err
		}
		return pods(object), nil
	}
}

// decode reads an object; an unknown field is an error.
func decode[T any](fields map[string]any) (*T, error) {
	return decodeBy[T](fields, yaml.UnmarshalStrict)
}

// decodeKnown reads the known fields of an object.
func decodeKnown[T any](fields map[string]any) (*T, error) {
	return decodeBy[T](fields, yaml.Unmarshal)
}

func decodeBy[T any](fields map[string]any, unmarshal func([]byte, any, ...yaml.JSONOpt) error) (*T, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	object := new(T)
	return object, unmarshal(text, object)
}

// MayWritePods reports whether a controller may write pods for a manifest, though the manifest has no pod
// template that is read here: the kind is neither one of Kubernetes itself nor one of its SIGs.
func MayWritePods(manifest Manifest) bool {
	group := manifest.GroupKind().Group
	return strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") && !strings.HasSuffix(group, ".x-k8s.io")
}

// Pods returns the pods of a manifest: one for each pod template, in the order in which the
// controller makes them, or by their path in a kind that is not known. A manifest without a
// pod template has none.
func Pods(manifest Manifest) ([]Pod, error) {
	build, known := builders[manifest.GroupKind()]
	if !known {
		build = podsOfUnknown
	}
	pods, err := build(manifest)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", manifest.Kind(), manifest.Name(), err)
	}
	for i := range pods {
		pods[i].From = manifest.Kind() + " " + manifest.Name()
		pods[i].Namespace = manifest.Namespace()
		if prefix := manifest.generateName(); prefix != "" && pods[i].owners == nil {
			pods[i].owners = regexp.MustCompile("^" + regexp.QuoteMeta(prefix) + hashPart + "$")
		}
	}
	return pods, nil
}

// generated returns a name that the API server generates from a prefix: at most 63 characters.
func generated(prefix string) string {
	const longest = 63 - len(randomSuffix)
	return prefix[:min(len(prefix), longest)] + randomSuffix
}

// podOf returns a pod of a template, with labels of its controller.
func podOf(template *corev1.PodTemplateSpec, name string, owner metav1.OwnerReference, labels map[string]string) Pod {
	template = template.DeepCopy()
	pod := Pod{Pod: corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}}
	pod.Name = name
	pod.Labels = merged(pod.Labels, labels)
	pod.OwnerReferences = []metav1.OwnerReference{owner}
	return pod
}

func ownedBy(apiVersion, kind, name string) metav1.OwnerReference {
	yes := true
	return metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: name, UID: controllerOwner, Controller: &yes, BlockOwnerDeletion: &yes}
}

func merged(a, b map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

// podsOfUnknown returns a pod for each pod template anywhere in a manifest. Its name is that
// of the manifest and the path to the template.
func podsOfUnknown(manifest Manifest) ([]Pod, error) {
	var pods []Pod
	var walk func(value any, path []string, parent map[string]any) error
	walk = func(value any, path []string, parent map[string]any) error {
		switch value := value.(type) {
		case map[string]any:
			if isPodTemplate(value) && len(path) > 0 {
				template, err := decode[corev1.PodTemplateSpec](value)
				if err != nil {
					return fmt.Errorf("%s: %w", strings.Join(path, "."), err)
				}
				owner := ownedBy(textOf(manifest.Fields, "apiVersion"), manifest.Kind(), manifest.Name())
				pod := podOf(template, nameOfPath(manifest.Name(), path), owner, nil)
				pod.roles = rolesOf(parent, path)
				pod.NotRead = []string{"what the controller of " + manifest.Kind() + " adds to its pod templates"}
				pods = append(pods, pod)
				return nil
			}
			for _, key := range slices.Sorted(maps.Keys(value)) {
				if err := walk(value[key], append(slices.Clone(path), key), value); err != nil {
					return err
				}
			}
		case []any:
			for i, item := range value {
				if err := walk(item, append(slices.Clone(path), fmt.Sprint(i)), parent); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return pods, walk(manifest.Fields, nil, nil)
}

// isPodTemplate reports whether a value has the spec of a pod: all its containers have a
// name.
func isPodTemplate(value map[string]any) bool {
	spec, _ := value["spec"].(map[string]any)
	containers, _ := spec["containers"].([]any)
	for _, item := range containers {
		container, _ := item.(map[string]any)
		if textOf(container, "name") == "" {
			return false
		}
	}
	return len(containers) > 0
}

// nameOfPath returns a pod's name for a template at a path, such as spec.headGroupSpec.template.
func nameOfPath(name string, path []string) string {
	parts := []string{name}
	for _, step := range path {
		if step != "spec" && step != "template" {
			parts = append(parts, strings.ToLower(step))
		}
	}
	return strings.Join(parts, "-")
}
