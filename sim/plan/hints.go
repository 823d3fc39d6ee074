package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

// hints names what cannot work for a pod, though the virtual kubelet sends it and the plugin
// creates it.
func (p *planner) hints(pod *workloads.Pod) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for _, rule := range []func(*workloads.Pod, func(string, ...any)){
		hintAnnotations, hintAttach, p.hintServices, p.hintNames, p.hintAPIServer, hintFailurePolicy, hintEngines, hintNotRead,
	} {
		rule(pod, add)
	}
	return all
}

// nodeTaint is the taint that InterLink's installer gives to a virtual node.
const nodeTaint = "virtual-node.interlink/no-schedule"

// placementHints tells that a pod reaches no virtual node.
func placementHints(pod *workloads.Pod) []string {
	if !isPlaced(pod) {
		return []string{"no toleration of " + nodeTaint + ": the local scheduler does not place the pod on a virtual node"}
	}
	return nil
}

// hintAnnotations: changes of labels and annotations do not reach the remote pod.
func hintAnnotations(pod *workloads.Pod, add func(string, ...any)) {
	for _, volume := range pod.Spec.Volumes {
		var items []corev1.DownwardAPIVolumeFile
		if volume.DownwardAPI != nil {
			items = volume.DownwardAPI.Items
		}
		if volume.Projected != nil {
			for _, source := range volume.Projected.Sources {
				if source.DownwardAPI != nil {
					items = append(items, source.DownwardAPI.Items...)
				}
			}
		}
		for _, item := range items {
			if item.FieldRef == nil {
				continue
			}
			key, isAnnotation := strings.CutPrefix(item.FieldRef.FieldPath, "metadata.annotations['")
			key = strings.TrimSuffix(key, "']")
			if _, has := pod.Annotations[key]; isAnnotation && !has {
				add("file %s of volume %s shows annotation %s, which the pod does not have yet: a later change of annotations does not reach the remote pod", item.Path, volume.Name, key)
			}
		}
	}
}

// hintAttach: the virtual kubelet answers attach and exec with 501.
func hintAttach(pod *workloads.Pod, add func(string, ...any)) {
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if c.Stdin || c.TTY {
			add("container %s has stdin or tty: attach and exec do not work through a virtual node", c.Name)
		}
	}
}

// hintServices: without a mesh the local pod has the address 127.0.0.1, which no
// EndpointSlice may have.
func (p *planner) hintServices(pod *workloads.Pod, add func(string, ...any)) {
	if pod.Annotations[wire.AnnotationPreExec] != "" {
		return
	}
	var named []string // a Service can be in a file, and known from its controller
	for _, service := range p.services {
		if selects(&service, pod) && !slices.Contains(named, service.Name) {
			named = append(named, service.Name)
			add("Service %s selects the pod: without a mesh its local address is 127.0.0.1, and one such address keeps all endpoints of the Service from being updated", service.Name)
		}
	}
}

// selects reports whether a Service selects a pod.
func selects(service *corev1.Service, pod *workloads.Pod) bool {
	namespace := cmp.Or(service.Namespace, corev1.NamespaceDefault)
	return len(service.Spec.Selector) > 0 && namespace == pod.Namespace && labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels))
}

// hintAPIServer: the token of a local service account is of no use to the remote API server.
func (p *planner) hintAPIServer(pod *workloads.Pod, add func(string, ...any)) {
	account := pod.Spec.ServiceAccountName
	automount := pod.Spec.AutomountServiceAccountToken
	if account == "" || account == "default" || automount != nil && !*automount || p.virtualKubelet.KubernetesAPI != "" || hasAPIServer(pod) {
		return
	}
	add("service account %s: its token is for the local API server, and in the remote cluster KUBERNETES_SERVICE_HOST names another one: set KubernetesApiAddr and KubernetesApiPort of the virtual kubelet to an address that remote pods reach", account)
}

// hasAPIServer reports whether all containers of a pod know the local API server, as they do in a
// recorded request of a virtual kubelet with KubernetesApiAddr.
func hasAPIServer(pod *workloads.Pod) bool {
	return !slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
		return !slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == "KUBERNETES_SERVICE_HOST" })
	})
}

// isPlaced reports whether a pod can get to a virtual node. The taint is that of InterLink's
// installer.
func isPlaced(pod *workloads.Pod) bool {
	return pod.Placed || pod.Spec.NodeName != "" || slices.ContainsFunc(pod.Spec.Tolerations, func(t corev1.Toleration) bool { return t.Key == "" || t.Key == nodeTaint })
}

// hintFailurePolicy: the virtual kubelet passes no condition of a remote pod on.
func hintFailurePolicy(pod *workloads.Pod, add func(string, ...any)) {
	if pod.FailurePolicy == nil {
		return
	}
	if slices.ContainsFunc(pod.FailurePolicy.Rules, func(rule batchv1.PodFailurePolicyRule) bool { return len(rule.OnPodConditions) > 0 }) {
		add("podFailurePolicy.onPodConditions: no condition of the remote pod, such as DisruptionTarget, reaches the local one: use onExitCodes with the code of [offloading] disrupted_exit_code")
	}
}

// hintNotRead: what an operator adds to a pod can be what makes it fail.
func hintNotRead(pod *workloads.Pod, add func(string, ...any)) {
	for _, what := range pod.NotRead {
		add("%s is not read: give its pods too, as kubectl get pods -o yaml prints them", what)
	}
}
