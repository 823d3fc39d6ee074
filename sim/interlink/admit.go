package interlink

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/kubectl/pkg/util/qos"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// Admit returns what the local API server stores for a manifest, after admission
// and scheduling. A UID, resource version or node that the pod already has stays.
func Admit(pod *corev1.Pod, options Options) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.TypeMeta = metav1.TypeMeta{} // docs/contract.md, HTTP-7
	admitMeta(&pod.ObjectMeta, options)
	if pod.ManagedFields == nil {
		pod.ManagedFields = managedFields(&pod.Spec)
	}
	pod.Generation = cmp.Or(pod.Generation, 1)
	pod.Spec.NodeName = cmp.Or(pod.Spec.NodeName, options.node())
	admitSpec(&pod.Spec)
	addTolerations(&pod.Spec)
	if mountsToken(&pod.Spec) {
		addTokenVolume(pod)
	}
	podspec.SetDefaults(&pod.Spec)
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending, QOSClass: qos.ComputePodQOS(pod)}
	return pod
}

func admitMeta(meta *metav1.ObjectMeta, options Options) {
	meta.Namespace = cmp.Or(meta.Namespace, metav1.NamespaceDefault)
	meta.UID = cmp.Or(meta.UID, uuid.NewUUID())
	meta.ResourceVersion = cmp.Or(meta.ResourceVersion, "1")
	if meta.CreationTimestamp.IsZero() {
		meta.CreationTimestamp = options.Now()
	}
}

// admitSpec sets the service account and the priority, which admission sets where
// a manifest does not.
func admitSpec(spec *corev1.PodSpec) {
	spec.ServiceAccountName = cmp.Or(spec.ServiceAccountName, spec.DeprecatedServiceAccount, "default")
	spec.DeprecatedServiceAccount = spec.ServiceAccountName
	spec.PreemptionPolicy = cmp.Or(spec.PreemptionPolicy, ptr.To(corev1.PreemptLowerPriority))
	spec.Priority = cmp.Or(spec.Priority, ptr.To(map[string]int32{
		"system-node-critical": 2000001000, "system-cluster-critical": 2000000000,
	}[spec.PriorityClassName]))
}

// addTolerations lets the pod stay 300 s on a lost node, unless its manifest sets
// another time.
func addTolerations(spec *corev1.PodSpec) {
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		if slices.ContainsFunc(spec.Tolerations, func(t corev1.Toleration) bool {
			return (t.Key == key || t.Key == "") && (t.Effect == corev1.TaintEffectNoExecute || t.Effect == "")
		}) {
			continue
		}
		spec.Tolerations = append(spec.Tolerations, corev1.Toleration{
			Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute,
			TolerationSeconds: ptr.To[int64](300),
		})
	}
}
