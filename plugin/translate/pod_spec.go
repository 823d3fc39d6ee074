package translate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"
)

// podSpec returns a copy of the local pod's spec without the fields that have a
// meaning in the local cluster only: where and how the pod is scheduled, its service
// account, and what local controllers do for it. All other fields stay.
func (t *translation) podSpec() *corev1.PodSpec {
	spec := t.pod.Spec.DeepCopy()
	t.place()
	placed := t.placement

	// Placement: the local cluster has placed the pod on its virtual node. Selectors,
	// affinity and spreading are about the labels of the local nodes, and about pods
	// that may not exist remotely: a required term could keep the pod from starting
	// for ever.
	t.warnAboutPlacement(spec)
	t.warnAboutClasses(spec)
	spec.NodeName = ""
	spec.NodeSelector = placed.NodeSelector
	spec.Tolerations = placed.Tolerations
	spec.Affinity = placed.Affinity
	spec.TopologySpreadConstraints = nil
	spec.SchedulerName = placed.Scheduler
	spec.SchedulingGates = nil
	spec.SchedulingGroup = nil
	spec.EvictionResponders = nil

	// Classes: local admission has filled in the values of these classes. Remote
	// admission refuses a pod that has such values already.
	spec.PriorityClassName = placed.PriorityClass
	spec.Priority = nil
	spec.PreemptionPolicy = nil
	spec.RuntimeClassName = nil
	if placed.RuntimeClass != "" {
		spec.RuntimeClassName = ptr.To(placed.RuntimeClass)
	}
	spec.Overhead = nil

	// Identity: the token of the local service account arrives as a projected volume.
	// A token of the remote cluster must not be mounted instead.
	spec.ServiceAccountName = placed.ServiceAccount
	spec.DeprecatedServiceAccount = ""
	spec.AutomountServiceAccountToken = ptr.To(false)
	spec.EnableServiceLinks = ptr.To(false)
	t.imagePullSecrets(spec)

	// Local controllers would set these conditions, and cannot do so remotely.
	spec.ReadinessGates = nil
	spec.EphemeralContainers = nil
	t.dropResourceClaims(spec)
	t.hostname(spec)
	return spec
}

func (t *translation) imagePullSecrets(spec *corev1.PodSpec) {
	if len(t.placement.ImagePullSecrets) == 0 && len(spec.ImagePullSecrets) > 0 {
		names := make([]string, len(spec.ImagePullSecrets))
		for i, secret := range spec.ImagePullSecrets {
			names[i] = secret.Name
		}
		t.warn(WarnPullSecrets, "image pull secrets %s stay in the local cluster: InterLink does not send them, and no [offloading] image_pull_secrets are configured%s", strings.Join(names, ", "), t.canChoose("imagePullSecrets"))
	}
	spec.ImagePullSecrets = nil
	for _, name := range t.placement.ImagePullSecrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
}

// dropResourceClaims removes dynamic resource allocation: resource claims are objects
// of the local cluster, and InterLink does not send them.
func (t *translation) dropResourceClaims(spec *corev1.PodSpec) {
	for _, claim := range spec.ResourceClaims {
		t.warn(WarnResourceClaims, "resource claim %s is left out: resource claims stay in the local cluster", claim.Name)
	}
	spec.ResourceClaims = nil
	if spec.Resources != nil {
		spec.Resources.Claims = nil
	}
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			containers[i].Resources.Claims = nil
		}
	}
}

// hostname sets the hostname that the pod has locally: by default the name of the
// local pod. The spec accepts only a DNS label; for other names the remote kubelet
// chooses the hostname.
func (t *translation) hostname(spec *corev1.PodSpec) {
	if spec.Hostname == "" && !spec.HostNetwork && spec.HostnameOverride == nil &&
		len(validation.IsDNS1123Label(t.pod.Name)) == 0 {
		spec.Hostname = t.pod.Name
	}
}

// hasContainer reports whether a pod has a container or init container of that name.
func hasContainer(spec *corev1.PodSpec, name string) bool {
	hasName := func(c corev1.Container) bool { return c.Name == name }
	return slices.ContainsFunc(spec.Containers, hasName) || slices.ContainsFunc(spec.InitContainers, hasName)
}
