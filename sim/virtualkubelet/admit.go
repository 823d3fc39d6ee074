package virtualkubelet

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/kubectl/pkg/util/qos"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Options say how the local side is set up. The zero value works.
type Options struct {
	scenario.VirtualKubelet
	// Node is the virtual node's name; the default is "vnode".
	Node string
	// PodIP is what the virtual kubelet says a pod's address is; the default is
	// 127.0.0.1. With a tunnel or the mesh it is the shadow pod's.
	PodIP string
	// Now tells the time; the default is time.Now.
	Now func() time.Time
}

func (o Options) node() string  { return cmp.Or(o.Node, "vnode") }
func (o Options) podIP() string { return cmp.Or(o.PodIP, "127.0.0.1") }

func (o Options) now() metav1.Time {
	if o.Now == nil {
		return metav1.Now().Rfc3339Copy()
	}
	return metav1.NewTime(o.Now()).Rfc3339Copy()
}

// Mount path and ConfigMap of the volume that admission gives every pod.
const (
	accessMountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
	rootCA          = "kube-root-ca.crt"
)

// Admit returns what the local API server, its admission and its scheduler make
// of a manifest. A UID, resource version or node that the pod has already stays.
func Admit(pod *corev1.Pod, options Options) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.TypeMeta = metav1.TypeMeta{} // InterLink sends none
	admitMeta(&pod.ObjectMeta, options)
	pod.Generation = cmp.Or(pod.Generation, 1)
	pod.Spec.NodeName = cmp.Or(pod.Spec.NodeName, options.node())
	admitSpec(&pod.Spec)
	addTolerations(&pod.Spec)
	if mayHaveToken(&pod.Spec) {
		addAccessVolume(pod)
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
		meta.CreationTimestamp = options.now()
	}
}

// admitSpec sets what admission sets, apart from tolerations and the access volume.
func admitSpec(spec *corev1.PodSpec) {
	spec.ServiceAccountName = cmp.Or(spec.ServiceAccountName, spec.DeprecatedServiceAccount, "default")
	spec.DeprecatedServiceAccount = spec.ServiceAccountName
	spec.PreemptionPolicy = cmp.Or(spec.PreemptionPolicy, ptr.To(corev1.PreemptLowerPriority))
	spec.Priority = cmp.Or(spec.Priority, ptr.To(map[string]int32{
		"system-node-critical": 2000001000, "system-cluster-critical": 2000000000,
	}[spec.PriorityClassName]))
}

// addTolerations lets the pod stay 300 s on a node that is lost, if it does not
// say for itself how long.
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

func mayHaveToken(spec *corev1.PodSpec) bool {
	mounted := len(spec.InitContainers) > 0 || len(spec.Containers) > 0
	return mounted && (spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken)
}

// addAccessVolume adds the volume with a token for the local API server. A
// container that mounts something else at its place goes without.
func addAccessVolume(pod *corev1.Pod) {
	// The real name ends in five random letters; these come of the UID, so that
	// a run can be repeated.
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(pod.UID)) // a hash never fails
	name := "kube-api-access-" + rand.SafeEncodeString(strconv.FormatUint(hash.Sum64(), 10))[:5]

	mounted := false
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			mounts := &containers[i].VolumeMounts
			if slices.ContainsFunc(*mounts, func(m corev1.VolumeMount) bool { return m.MountPath == accessMountPath }) {
				continue
			}
			*mounts = append(*mounts, corev1.VolumeMount{Name: name, ReadOnly: true, MountPath: accessMountPath})
			mounted = true
		}
	}
	if !mounted {
		return
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: ptr.To[int64](3607), Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: rootCA},
				Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
				{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}},
			}}},
		}},
	}})
}
