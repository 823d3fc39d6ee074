package scenario

import (
	"cmp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// manifestKinds are the kinds of manifests that a file may have.
var manifestKinds = []string{"Pod", "ConfigMap", "Secret", "PersistentVolumeClaim"}

// document reads one document by its kind.
func (r *reader) document(n *yaml.Node) {
	version, kind := text(n, "apiVersion"), text(n, "kind")
	known := kind == Kind || slices.Contains(manifestKinds, kind)
	if !known && r.skipOtherKinds || !r.checkSyntax(n) {
		return
	}
	switch {
	case kind == "":
		r.problem(n.Line, "a document needs apiVersion and kind")
	case !known:
		r.problem(find(n, "kind").Line, "kind %s is none of %s, Pod, ConfigMap, Secret, PersistentVolumeClaim", kind, Kind)
	case kind == Kind:
		r.readScenario(n, version)
	case version != "v1":
		r.problem(find(n, "apiVersion").Line, "the apiVersion of a %s is v1, not %q", kind, version)
	default:
		r.readManifest(n, kind)
	}
}

func (r *reader) readScenario(n *yaml.Node, version string) {
	switch {
	case version != APIVersion:
		r.problem(find(n, "apiVersion").Line, "the apiVersion of a %s is %s, not %q", Kind, APIVersion, version)
	case r.scenario != nil:
		r.problem(n.Line, "a second %s: the first is in line %d", Kind, r.scenario.Line)
	default:
		r.scenario = n
		if d, ok := decode[document](r, n); ok {
			r.file.Name, r.file.Scenario = d.Metadata.Name, d.Spec
			r.file.Level = cmp.Or(r.file.Level, LevelThisPlugin)
		}
	}
}

func (r *reader) readManifest(n *yaml.Node, kind string) {
	switch kind {
	case "Pod":
		if pod, ok := decode[corev1.Pod](r, n); ok && r.checkMeta(n, kind, &pod.ObjectMeta) {
			r.checkContainerNames(n, pod)
			r.checkPodNames(n, pod)
			r.file.Pods = append(r.file.Pods, *pod)
		}
	case "ConfigMap":
		if object, ok := decode[corev1.ConfigMap](r, n); ok && r.checkMeta(n, kind, &object.ObjectMeta) {
			r.file.ConfigMaps = append(r.file.ConfigMaps, *object)
		}
	case "Secret":
		if object, ok := decode[corev1.Secret](r, n); ok && r.checkMeta(n, kind, &object.ObjectMeta) {
			podspec.MoveStringData(object)
			r.file.Secrets = append(r.file.Secrets, *object)
		}
	case "PersistentVolumeClaim":
		if object, ok := decode[corev1.PersistentVolumeClaim](r, n); ok && r.checkMeta(n, kind, &object.ObjectMeta) {
			r.file.Claims = append(r.file.Claims, *object)
		}
	}
}

// checkMeta sets the default namespace and checks name and namespace.
func (r *reader) checkMeta(n *yaml.Node, kind string, meta *metav1.ObjectMeta) bool {
	meta.Namespace = cmp.Or(meta.Namespace, metav1.NamespaceDefault)
	r.checkLabels(n, meta)
	line, key := find(n, "metadata", "name").Line, kind+" "+meta.Namespace+"/"+meta.Name
	switch {
	case meta.Name == "":
		r.problem(line, "a %s needs metadata.name", kind)
	case len(validation.IsDNS1123Subdomain(meta.Name)) > 0:
		r.problem(line, "%q is not a valid name of a %s", meta.Name, kind)
	case len(validation.IsDNS1123Label(meta.Namespace)) > 0:
		r.problem(find(n, "metadata", "namespace").Line, "%q is not a valid name of a namespace", meta.Namespace)
	case r.taken[key]:
		r.problem(line, "a second %s %s in namespace %s", kind, meta.Name, meta.Namespace)
	default:
		r.taken[key] = true
		return true
	}
	return false
}

func (r *reader) checkContainerNames(n *yaml.Node, pod *corev1.Pod) {
	if len(pod.Spec.Containers) == 0 {
		r.problem(find(n, "spec", "containers").Line, "pod %s has no containers", pod.Name)
	}
	seen := map[string]bool{}
	for _, list := range []struct {
		field      string
		containers []corev1.Container
	}{{"initContainers", pod.Spec.InitContainers}, {"containers", pod.Spec.Containers}} {
		for i, c := range list.containers {
			if c.Name == "" || seen[c.Name] {
				r.problem(find(n, "spec", list.field, strconv.Itoa(i), "name").Line, "each container of pod %s needs its own name", pod.Name)
			}
			seen[c.Name] = true
		}
	}
}
