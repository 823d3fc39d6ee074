package scenario

import (
	"cmp"
	"maps"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"
)

// kinds are those of which remote objects are counted.
var kinds = []string{"ConfigMap", "PersistentVolumeClaim", "Pod", "Release", "Secret", "Service"}

// index finds pods among many.
type index struct {
	pods  int // how many there were
	named map[string]int
	byKey map[string]*corev1.Pod
}

// lookup returns the index of the pods that there are now.
func (f *File) lookup() *index {
	if known := f.index.Load(); known != nil && known.pods == len(f.Pods) {
		return known
	}
	made := &index{pods: len(f.Pods), named: map[string]int{}, byKey: map[string]*corev1.Pod{}}
	for i := range f.Pods {
		made.named[f.Pods[i].Name]++
	}
	for i := range f.Pods {
		made.byKey[made.key(f.Pods[i].Namespace, f.Pods[i].Name)] = &f.Pods[i]
	}
	f.index.Store(made)
	return made
}

func (x *index) key(namespace, name string) string {
	if x.named[name] > 1 {
		return namespace + "/" + name
	}
	return name
}

// Key is what a scenario calls a pod: its name, or namespace/name where another
// pod has the same one.
func (f *File) Key(namespace, name string) string { return f.lookup().key(namespace, name) }

// Pod returns the pod that a scenario calls so, or nil.
func (f *File) Pod(key string) *corev1.Pod { return f.lookup().byKey[key] }

// manifest checks what all manifests have, and gives it its namespace.
func (r *reader) manifest(n *yaml.Node, kind string, meta *metav1.ObjectMeta) bool {
	meta.Namespace = cmp.Or(meta.Namespace, "default")
	at, whole := find(n, "metadata", "name").Line, kind+" "+meta.Namespace+"/"+meta.Name
	switch {
	case meta.Name == "":
		r.problem(at, "a %s needs metadata.name", kind)
	case len(validation.IsDNS1123Subdomain(meta.Name)) > 0:
		r.problem(at, "%s is no name of a %s", meta.Name, kind)
	case len(validation.IsDNS1123Label(meta.Namespace)) > 0:
		r.problem(find(n, "metadata", "namespace").Line, "%s is no name of a namespace", meta.Namespace)
	case r.taken[whole]:
		r.problem(at, "a second %s %s in namespace %s", kind, meta.Name, meta.Namespace)
	default:
		r.taken[whole] = true
		return true
	}
	return false
}

func (r *reader) containers(n *yaml.Node, pod *corev1.Pod) {
	if len(pod.Spec.Containers) == 0 {
		r.problem(find(n, "spec", "containers").Line, "pod %s has no containers", pod.Name)
	}
	seen := map[string]bool{}
	check := func(list string, containers []corev1.Container) {
		for i, c := range containers {
			if c.Name == "" || seen[c.Name] {
				r.problem(find(n, "spec", list, strconv.Itoa(i), "name").Line, "each container of pod %s needs a name of its own", pod.Name)
			}
			seen[c.Name] = true
		}
	}
	check("initContainers", pod.Spec.InitContainers)
	check("containers", pod.Spec.Containers)
}

// wrong reports what stands at a path of the Scenario's spec.
func (r *reader) wrong(path []string, format string, args ...any) {
	r.problem(find(r.scenario, append([]string{"spec"}, path...)...).Line, format, args...)
}

// named returns a pod that the scenario names, or reports that it is not there.
func (r *reader) named(key string, path ...string) *corev1.Pod {
	pod := r.file.Pod(key)
	if pod == nil {
		var known []string
		for i := range r.file.Pods {
			known = append(known, r.file.Key(r.file.Pods[i].Namespace, r.file.Pods[i].Name))
		}
		r.wrong(path, "no pod is called %q; there are: %s", key, cmp.Or(strings.Join(known, ", "), "none"))
	}
	return pod
}

// container reports a container that a pod does not have among those that count.
func (r *reader) container(pod *corev1.Pod, name string, among []corev1.Container, path ...string) {
	var known []string
	for _, c := range among {
		known = append(known, c.Name)
	}
	if !slices.Contains(known, name) {
		r.wrong(path, "pod %s has no container %q here; it has: %s", pod.Name, name, cmp.Or(strings.Join(known, ", "), "none"))
	}
}

func all(pod *corev1.Pod) []corev1.Container {
	return slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
}

// injected are containers that a plugin puts into the remote pod for the network
// that InterLink's annotations ask for.
func injected(pod *corev1.Pod) (containers []corev1.Container) {
	for _, network := range []struct{ annotation, container string }{
		{"slurm-job.vk.io/pre-exec", "mesh-setup"},
		{"interlink.eu/wstunnel-client-commands", "wstunnel-client"},
	} {
		if pod.Annotations[network.annotation] != "" {
			containers = append(containers, corev1.Container{Name: network.container})
		}
	}
	return containers
}

// sidecar says whether others wait until a container has started.
func sidecar(pod *corev1.Pod, name string) bool {
	is := func(c corev1.Container) bool { return c.Name == name }
	if i := slices.IndexFunc(all(pod), is); i >= 0 {
		return i < len(pod.Spec.InitContainers) && ptr.Deref(all(pod)[i].RestartPolicy, "") == corev1.ContainerRestartPolicyAlways
	}
	return slices.ContainsFunc(injected(pod), is)
}

// check holds the parts of a scenario against each other and its manifests.
func (r *reader) check() {
	s := &r.file.Scenario
	if strings.TrimSpace(s.Description) == "" {
		r.wrong(nil, "description is missing: say in a sentence what the scenario shows")
	}
	if len(r.file.Pods) == 0 {
		r.wrong(nil, "there is no Pod among the manifests")
	}
	if api := s.VirtualKubelet.KubernetesAPI; api != "" {
		if _, _, err := net.SplitHostPort(api); err != nil {
			r.wrong([]string{"virtualKubelet", "kubernetesAPI"}, "kubernetesAPI must be host:port, not %q", api)
		}
	}
	for i, name := range s.Site.Claims {
		if len(validation.IsDNS1123Subdomain(name)) > 0 {
			r.wrong([]string{"site", "claims", strconv.Itoa(i)}, "%q is no name of a claim", name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Nodes)) {
		if pod := r.named(key, "nodes", key); pod != nil {
			r.node(pod, s.Nodes[key], "nodes", key)
		}
	}
	for i, step := range s.Steps {
		r.step(step, "steps", strconv.Itoa(i))
	}
	r.notNegative(s.Until, "until")
	if len(s.Expect.Pods) == 0 {
		r.wrong([]string{"expect", "pods"}, "expect.pods names no pod")
	}
	for _, key := range slices.Sorted(maps.Keys(s.Expect.Pods)) {
		if pod := r.named(key, "expect", "pods", key); pod != nil {
			r.expectation(pod, key, s.Expect.Pods[key], "expect", "pods", key)
		}
	}
	for field, counts := range map[string]map[string]int{"remote": s.Expect.Remote, "left": s.Expect.Left} {
		for kind, count := range counts {
			if !slices.Contains(kinds, kind) || count < 0 {
				r.wrong([]string{"expect", field, kind}, "%s: %d cannot be: objects of these kinds are counted: %s", kind, count, strings.Join(kinds, ", "))
			}
		}
	}
}

func (r *reader) notNegative(d metav1.Duration, path ...string) {
	if d.Duration < 0 {
		r.wrong(path, "%s must not be negative", path[len(path)-1])
	}
}

func (r *reader) node(pod *corev1.Pod, node Pod, path ...string) {
	r.notNegative(node.Schedule, append(path, "schedule")...)
	for _, name := range slices.Sorted(maps.Keys(node.Containers)) {
		c, at := node.Containers[name], slices.Concat(path, []string{"containers", name})
		r.container(pod, name, append(all(pod), injected(pod)...), at...)
		r.notNegative(ptr.Deref(c.Start, metav1.Duration{}), append(at, "start")...)
		r.notNegative(ptr.Deref(c.Run, metav1.Duration{}), append(at, "run")...)
		if c.ImagePullError != "" && c.CreateError != "" {
			r.wrong(append(at, "createError"), "imagePullError and createError exclude each other")
		}
		if c.StartupFails && !sidecar(pod, name) {
			r.wrong(append(at, "startupFails"), "startupFails is for native sidecars: nobody waits until %s has started", name)
		}
		if len(c.Output) > 0 && len(c.Outputs) > 0 {
			r.wrong(append(at, "outputs"), "output and outputs exclude each other")
		}
		for _, code := range c.ExitCodes {
			if code < 0 || code > 255 {
				r.wrong(append(at, "exitCodes"), "exit code %d is not between 0 and 255", code)
			}
		}
		if c.Reason == "OOMKilled" && !slices.Contains(c.ExitCodes, 137) {
			r.wrong(append(at, "reason"), "OOMKilled goes with exit code 137")
		}
	}
	for i, e := range node.Events {
		r.one(e, slices.Concat(path, []string{"events", strconv.Itoa(i)})...)
		r.notNegative(e.At, slices.Concat(path, []string{"events", strconv.Itoa(i), "at"})...)
	}
}

func (r *reader) step(step Step, path ...string) {
	r.one(step, path...)
	r.notNegative(step.At, append(path, "at")...)
	for field, key := range map[string]string{"create": step.Create, "delete": step.Delete, "loseDelete": step.LoseDelete} {
		if key != "" {
			r.named(key, append(path, field)...)
		}
	}
	if step.RestartVirtualKubelet != nil {
		for i, key := range step.RestartVirtualKubelet.Forget {
			r.named(key, slices.Concat(path, []string{"restartVirtualKubelet", "forget", strconv.Itoa(i)})...)
		}
	}
}

// one reports an event or a step that says not exactly one thing beside its time.
func (r *reader) one(what any, path ...string) {
	var said, possible []string
	v := reflect.ValueOf(what)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name == "at" {
			continue
		}
		possible = append(possible, name)
		if !v.Field(i).IsZero() {
			said = append(said, name)
		}
	}
	if len(said) != 1 {
		r.wrong(path, "exactly one of %s must be said, not %s", strings.Join(possible, ", "), cmp.Or(strings.Join(said, " and "), "none"))
	}
}
