package scenario

import (
	"cmp"
	"maps"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// invalid reports a problem at a path of the Scenario's spec.
func (r *reader) invalid(path []string, format string, args ...any) {
	r.problem(find(r.scenario, append([]string{"spec"}, path...)...).Line, format, args...)
}

// checkScenario compares the parts of a scenario with each other and with the
// manifests.
func (r *reader) checkScenario() {
	s := &r.file.Scenario
	if strings.TrimSpace(s.Description) == "" {
		r.invalid(nil, "description is missing: say in one sentence what the scenario shows")
	}
	if len(r.file.Pods) == 0 {
		r.invalid(nil, "the manifests have no Pod")
	}
	if api := s.VirtualKubelet.KubernetesAPI; api != "" {
		if _, _, err := net.SplitHostPort(api); err != nil {
			r.invalid([]string{"virtualKubelet", "kubernetesAPI"}, "kubernetesAPI must be host:port, not %q", api)
		}
	}
	for i, name := range s.RemoteSetup.Claims {
		if len(validation.IsDNS1123Subdomain(name)) > 0 {
			r.invalid([]string{"remoteSetup", "claims", strconv.Itoa(i)}, "%q is not a valid name of a PersistentVolumeClaim", name)
		}
	}
	for i, name := range s.RemoteSetup.RuntimeClasses {
		if len(validation.IsDNS1123Subdomain(name)) > 0 {
			r.invalid([]string{"remoteSetup", "runtimeClasses", strconv.Itoa(i)}, "%q is not a valid name of a RuntimeClass", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.RemoteSetup.Quota)) {
		if value, err := resource.ParseQuantity(s.RemoteSetup.Quota[name]); err != nil || value.Sign() < 0 {
			r.invalid([]string{"remoteSetup", "quota", name}, "%q is not a valid limit", s.RemoteSetup.Quota[name])
		}
	}
	r.checkNotNegative(s.RemoteSetup.OtherPodUntil, "remoteSetup", "otherPodUntil")
	if s.RemoteSetup.OtherPodUntil.Duration > 0 && len(s.RemoteSetup.Quota)+len(s.RemoteSetup.Node) == 0 {
		r.invalid([]string{"remoteSetup", "otherPodUntil"}, "without a quota or a node, another pod changes nothing")
	}
	if len(s.RemoteSetup.OtherPodRequests) > 0 && s.RemoteSetup.OtherPodUntil.Duration <= 0 {
		r.invalid([]string{"remoteSetup", "otherPodRequests"}, "without otherPodUntil, there is no other pod")
	}
	for _, kind := range slices.Sorted(maps.Keys(s.RemoteSetup.SlowCreates)) {
		path := []string{"remoteSetup", "slowCreates", kind}
		if kind != "ConfigMap" && kind != "Secret" {
			r.invalid(path, "%q cannot be created slowly, only ConfigMap and Secret", kind)
		}
		r.checkNotNegative(s.RemoteSetup.SlowCreates[kind], path...)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Nodes)) {
		if pod := r.checkPodKey(key, "nodes", key); pod != nil {
			r.checkNodes(pod, s.Nodes[key], "nodes", key)
		}
	}
	for i, step := range s.Steps {
		r.checkStep(step, "steps", strconv.Itoa(i))
	}
	r.checkNode()
	r.checkNotNegative(s.CreateAfter, "createAfter")
	r.checkNotNegative(s.Until, "until")
	r.checkLevel()
	r.checkExpect()
}

// checkPodKey returns the pod with this key, or reports that there is none.
func (r *reader) checkPodKey(key string, path ...string) *corev1.Pod {
	pod := r.file.Pod(key)
	if pod == nil {
		var known []string
		for i := range r.file.Pods {
			known = append(known, r.file.Key(r.file.Pods[i].Namespace, r.file.Pods[i].Name))
		}
		r.invalid(path, "there is no pod %q; the pods are: %s", key, cmp.Or(strings.Join(known, ", "), "none"))
	}
	return pod
}

// checkContainer reports a name that is not among the containers.
func (r *reader) checkContainer(pod *corev1.Pod, name string, containers []corev1.Container, path ...string) {
	var known []string
	for _, c := range containers {
		known = append(known, c.Name)
	}
	if !slices.Contains(known, name) {
		r.invalid(path, "pod %s has no container %q that can be named here; these can: %s", pod.Name, name, cmp.Or(strings.Join(known, ", "), "none"))
	}
}

func allContainers(pod *corev1.Pod) []corev1.Container {
	return slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
}

func (r *reader) checkNotNegative(d metav1.Duration, path ...string) {
	if d.Duration < 0 {
		r.invalid(path, "%s must not be negative", path[len(path)-1])
	}
}

func (r *reader) checkNodes(pod *corev1.Pod, nodes Pod, path ...string) {
	r.checkNotNegative(nodes.Schedule, append(path, "schedule")...)
	for _, name := range slices.Sorted(maps.Keys(nodes.Containers)) {
		r.checkBehavior(pod, name, nodes.Containers[name], slices.Concat(path, []string{"containers", name}))
	}
	for i, e := range nodes.Events {
		r.checkOneField(e, slices.Concat(path, []string{"events", strconv.Itoa(i)})...)
		r.checkNotNegative(e.At, slices.Concat(path, []string{"events", strconv.Itoa(i), "at"})...)
	}
}

// checkBehavior checks what the nodes do with a container.
func (r *reader) checkBehavior(pod *corev1.Pod, name string, c Container, path []string) {
	switch known := podspec.Container(pod, name); {
	case c.Injected && known != nil:
		r.invalid(append(path, "injected"), "container %s is not injected: the manifest of pod %s has it", name, pod.Name)
	case !c.Injected:
		r.checkContainer(pod, name, allContainers(pod), path...)
	}
	r.checkNotNegative(ptr.Deref(c.Start, metav1.Duration{}), append(path, "start")...)
	r.checkNotNegative(ptr.Deref(c.Run, metav1.Duration{}), append(path, "run")...)
	if c.ImagePullError != "" && c.CreateError != "" {
		r.invalid(append(path, "createError"), "imagePullError and createError exclude each other")
	}
	if c.StartupFails && !c.Injected && !isSidecar(pod, name) {
		r.invalid(append(path, "startupFails"), "startupFails is for native sidecars: no container waits for the start of %s", name)
	}
	if len(c.Output) > 0 && len(c.Outputs) > 0 {
		r.invalid(append(path, "outputs"), "output and outputs exclude each other")
	}
	for _, code := range c.ExitCodes {
		if code < 0 || code > 255 {
			r.invalid(append(path, "exitCodes"), "exit code %d is not between 0 and 255", code)
		}
	}
	if c.Reason == "OOMKilled" && !slices.Contains(c.ExitCodes, 137) {
		r.invalid(append(path, "reason"), "OOMKilled requires exit code 137")
	}
}

func isSidecar(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == name && podspec.IsSidecar(&c) })
}

func (r *reader) checkStep(step Step, path ...string) {
	r.checkOneField(step, path...)
	r.checkNotNegative(step.At, append(path, "at")...)
	for field, key := range map[string]string{"create": step.Create, "delete": step.Delete, "deleteUnreported": step.DeleteUnreported, "recreate": step.Recreate} {
		if key != "" {
			r.checkPodKey(key, append(path, field)...)
		}
	}
	if key := step.Recreate; key != "" {
		if step.At.Duration <= 0 {
			r.invalid(append(path, "recreate"), "the pod must exist before it is created again: at must be more than 0s")
		}
		others := 0
		for _, other := range r.file.Steps {
			if other.Delete == key || other.DeleteUnreported == key || other.Recreate == key {
				others++
			}
		}
		if others > 1 {
			r.invalid(append(path, "recreate"), "pod %s is deleted by another step too", key)
		}
	}
	if step.RestartPlugin != nil && step.At.Duration <= 0 {
		r.invalid(append(path, "restartPlugin"), "the plugin cannot restart while the pods are created: at must be more than 0s")
	}
	if step.RestartVirtualKubelet != nil {
		for i, key := range step.RestartVirtualKubelet.Forget {
			r.checkPodKey(key, slices.Concat(path, []string{"restartVirtualKubelet", "forget", strconv.Itoa(i)})...)
		}
	}
}

// checkOneField reports an event or step that does not set exactly one field
// besides at.
func (r *reader) checkOneField(eventOrStep any, path ...string) {
	var set, possible []string
	v := reflect.ValueOf(eventOrStep)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name == "at" {
			continue
		}
		possible = append(possible, name)
		if !v.Field(i).IsZero() {
			set = append(set, name)
		}
	}
	if len(set) != 1 {
		r.invalid(path, "exactly one of %s must be set, not %s", strings.Join(possible, ", "), cmp.Or(strings.Join(set, " and "), "none"))
	}
}
