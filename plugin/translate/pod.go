package translate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"
)

// podSpec returns a copy of the local pod's spec without what means something
// in the local cluster only: where and how it is scheduled, whom it runs as
// there, and what its controllers wait for. Everything else stays.
func (t *translation) podSpec() *corev1.PodSpec {
	spec := t.pod.Spec.DeepCopy()
	o := t.options

	// Placement: the local cluster has placed the pod on its virtual node, and
	// selectors, affinity and spreading are about the labels of that cluster's
	// nodes and about pods that may not be in the remote one: required terms
	// could keep the pod from starting for ever.
	t.placement(spec)
	spec.NodeName = ""
	spec.NodeSelector = o.NodeSelector
	spec.Tolerations = o.NodeTolerations
	spec.Affinity = nil
	spec.TopologySpreadConstraints = nil
	spec.SchedulerName = o.SchedulerName
	spec.SchedulingGates = nil
	spec.SchedulingGroup = nil
	spec.EvictionResponders = nil

	// The numbers behind these names were filled in by local admission; the
	// remote one refuses a pod that brings its own.
	spec.PriorityClassName = o.PriorityClass
	spec.Priority = nil
	spec.PreemptionPolicy = nil
	spec.RuntimeClassName = nil
	if o.RuntimeClass != "" {
		spec.RuntimeClassName = ptr.To(o.RuntimeClass)
	}
	spec.Overhead = nil

	// Identity: the local service account's token travels as a projected
	// volume; the remote one must not be mounted in its place.
	spec.ServiceAccountName = o.ServiceAccount
	spec.DeprecatedServiceAccount = ""
	spec.AutomountServiceAccountToken = ptr.To(false)
	spec.EnableServiceLinks = ptr.To(false)
	t.imagePullSecrets(spec)

	// Conditions that local controllers would set are never set remotely.
	spec.ReadinessGates = nil
	spec.EphemeralContainers = nil
	t.resourceClaims(spec)
	t.hostname(spec)
	return spec
}

// placement tells what of the placement is lost, but for a plain node selector
// and tolerations, which every offloaded pod has.
func (t *translation) placement(spec *corev1.PodSpec) {
	if a := spec.Affinity; a != nil && (a.PodAffinity != nil || a.PodAntiAffinity != nil) {
		t.warn("pod affinity and anti-affinity are left out: they are about the local cluster's nodes and pods")
	}
	if len(spec.TopologySpreadConstraints) > 0 {
		t.warn("topology spread constraints are left out: they are about the local cluster's nodes")
	}
	for _, gate := range spec.ReadinessGates {
		t.warn("readiness gate %s is left out: its controller is in the local cluster", gate.ConditionType)
	}
}

// appArmor is the annotation, completed by a container's name, of profiles as
// they were said before Kubernetes 1.30.
const appArmor = corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix

// dropAppArmor takes out the profiles of containers that stay local: the API
// server refuses one whose container is not there.
func dropAppArmor(annotations map[string]string, spec *corev1.PodSpec) {
	for name := range annotations {
		if container, ok := strings.CutPrefix(name, appArmor); ok && !hasContainer(spec, container) {
			delete(annotations, name)
		}
	}
}

func (t *translation) imagePullSecrets(spec *corev1.PodSpec) {
	if len(t.options.ImagePullSecrets) == 0 && len(spec.ImagePullSecrets) > 0 {
		names := make([]string, len(spec.ImagePullSecrets))
		for i, secret := range spec.ImagePullSecrets {
			names[i] = secret.Name
		}
		t.warn("image pull secrets %s stay in the local cluster: InterLink does not send them, and no [offloading] image_pull_secrets are configured", strings.Join(names, ", "))
	}
	spec.ImagePullSecrets = nil
	for _, name := range t.options.ImagePullSecrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
}

// resourceClaims takes out dynamic resource allocation: the claims are objects
// of the local cluster and never sent.
func (t *translation) resourceClaims(spec *corev1.PodSpec) {
	for _, claim := range spec.ResourceClaims {
		t.warn("resource claim %s is left out: resource claims stay in the local cluster", claim.Name)
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

// hostname keeps the pod's own idea of its name: by default that is the pod's
// name, which is another one remotely. A name that is no DNS label cannot be
// said in the spec and is left to the kubelet.
func (t *translation) hostname(spec *corev1.PodSpec) {
	if spec.Hostname == "" && !spec.HostNetwork && spec.HostnameOverride == nil &&
		len(validation.IsDNS1123Label(t.pod.Name)) == 0 {
		spec.Hostname = t.pod.Name
	}
}
