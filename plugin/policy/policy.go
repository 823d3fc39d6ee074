package policy

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// Options say which pods the remote site accepts. The zero value accepts pods that meet the
// baseline standard, from every local namespace.
type Options struct {
	// PodSecurity is the Pod Security Standard that a pod must meet; empty: baseline.
	PodSecurity config.PodSecurity
	// Namespaces are patterns of the local namespaces whose pods are accepted; none: all.
	Namespaces []string
	// DaemonSets accepts pods of DaemonSets.
	DaemonSets bool
	// Reserved are remote namespaces in which no pod may run, in addition to those of
	// Kubernetes itself: that of the plugin's account, for example.
	Reserved []string
}

// The codes of the reasons ([errdefs.Codes]) for which a pod is refused.
const (
	RefusedDaemonSet   = "daemonset"
	RefusedNamespace   = "namespace"
	RefusedReserved    = "reserved_namespace"
	RefusedPodSecurity = "pod_security"
)

// Refusals are all these codes.
var Refusals = []string{RefusedDaemonSet, RefusedNamespace, RefusedReserved, RefusedPodSecurity}

// Judge returns an error of kind Refused if the remote site does not accept a pod. judged is
// the remote pod as it would be created, without what the plugin adds by itself; local is
// the local pod. The text of the error is for the user, and names what must change:
// of a Pod Security Standard, the first ten problems and the first ten fields of each.
func Judge(judged, local *corev1.Pod, options Options) error {
	var reasons, codes []string
	refuse := func(code, reason string) { reasons, codes = append(reasons, reason), append(codes, code) }
	if !accepts(options.Namespaces, local.Namespace) {
		refuse(RefusedNamespace, "the remote site does not accept pods of namespace "+local.Namespace)
	}
	if !options.DaemonSets && isOfDaemonSet(local) {
		refuse(RefusedDaemonSet, "pods of DaemonSets are not offloaded: they serve the node that they run on, and a virtual node has nothing to serve")
	}
	switch {
	case isKubernetesNamespace(judged.Namespace):
		refuse(RefusedReserved, "remote namespace "+judged.Namespace+" belongs to Kubernetes, and no pod is created there")
	case slices.Contains(options.Reserved, judged.Namespace):
		refuse(RefusedReserved, "remote namespace "+judged.Namespace+" belongs to the plugin, and no pod is created there")
	}
	level := options.PodSecurity
	if level == "" {
		level = config.PodSecurityBaseline
	}
	if violations := violations(level, judged); len(violations) > 0 {
		refuse(RefusedPodSecurity, "the remote site accepts only pods that meet the Pod Security Standard "+string(level)+": "+strings.Join(errdefs.First(violations), "; "))
	}
	return errdefs.List(errdefs.Refused, reasons, codes...)
}

// accepts reports whether a name matches one of the patterns. Without patterns, every name
// does.
func accepts(patterns []string, name string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(pattern string) bool {
		matches, err := path.Match(pattern, name)
		return err == nil && matches
	})
}

// isOfDaemonSet reports whether a DaemonSet owns a pod.
func isOfDaemonSet(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.OwnerReferences, func(owner metav1.OwnerReference) bool {
		return owner.Kind == "DaemonSet" && strings.HasPrefix(owner.APIVersion, "apps/")
	})
}

// isKubernetesNamespace reports whether a namespace has the prefix that Kubernetes reserves
// for itself:
// https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#working-with-namespaces
func isKubernetesNamespace(name string) bool { return strings.HasPrefix(name, "kube-") }
