package scope

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Labels on every remote object.
const (
	// LabelOffloading marks what an InterLink plugin put into the remote
	// cluster; its value is always [Offloading].
	LabelOffloading = "interlink.io"
	// Offloading is the value of [LabelOffloading].
	Offloading = "offloading"
	// LabelPodUID holds the UID of the local pod that the object belongs to.
	// Claims and namespaces outlive pods and do not carry it.
	LabelPodUID = "interlink.io/source.pod_uid"
	// LabelAttempt holds the create call that made the object, so that its
	// failure undoes what it made and nothing else.
	LabelAttempt = "interlink.io/attempt"
	// LabelTunnelUID holds the UID of the local pod that a tunnel is for. What a
	// tunnel is made of carries neither of the labels above: it is not offloaded,
	// and goes with its Helm release.
	LabelTunnelUID = "interlink.io/tunnel.pod_uid"
	// LabelInstance holds the plugin installation that owns the object.
	LabelInstance = "interlink.io/instance"
)

// Annotations on every remote object that mirrors a local one.
const (
	AnnotationSourceUID       = "interlink.io/source.uid"
	AnnotationSourceName      = "interlink.io/source.name"
	AnnotationSourceNamespace = "interlink.io/source.namespace"
)

// lastApplied is kubectl's copy of the whole manifest, Secrets' data included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// Selector selects everything that any InterLink plugin offloaded.
func Selector() string { return labels.Set{LabelOffloading: Offloading}.String() }

// PodSelector selects what belongs to one local pod, by the pod's UID.
func PodSelector(uid string) string {
	return labels.Set{LabelOffloading: Offloading, LabelPodUID: uid}.String()
}

// AttemptSelector selects what one create call made for a local pod.
func AttemptSelector(uid, attempt string) string {
	return labels.Set{LabelOffloading: Offloading, LabelPodUID: uid, LabelAttempt: attempt}.String()
}

// TunnelSelector selects the tunnels of one local pod.
func TunnelSelector(uid string) string { return labels.Set{LabelTunnelUID: uid}.String() }

// TunnelAttemptSelector selects the tunnels that one create call made for a local pod.
func TunnelAttemptSelector(uid, attempt string) string {
	return labels.Set{LabelTunnelUID: uid, LabelAttempt: attempt}.String()
}

// Meta returns the metadata of the remote object that mirrors a local one.
// The user's labels and annotations stay, but for kubectl's last-applied copy
// and those named in without; the plugin's own outrank a user's of the same
// name. podUID may be empty for objects that outlive the pod.
func (s Scope) Meta(source metav1.ObjectMeta, remoteName, podUID string, without ...string) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{
		Name:        remoteName,
		Namespace:   s.RemoteNamespace(source.Namespace),
		Labels:      make(map[string]string, len(source.Labels)+3),
		Annotations: make(map[string]string, len(source.Annotations)+3),
	}
	maps.Copy(meta.Labels, source.Labels)
	maps.Copy(meta.Annotations, source.Annotations)
	delete(meta.Annotations, lastApplied)
	for _, name := range without {
		delete(meta.Annotations, name)
	}
	meta.Labels[LabelOffloading] = Offloading
	meta.Labels[LabelInstance] = s.Instance
	delete(meta.Labels, LabelAttempt)
	delete(meta.Labels, LabelPodUID)
	delete(meta.Labels, LabelTunnelUID)
	if podUID != "" {
		meta.Labels[LabelPodUID] = podUID
	}
	delete(meta.Annotations, AnnotationSourceUID)
	if source.UID != "" {
		meta.Annotations[AnnotationSourceUID] = string(source.UID)
	}
	meta.Annotations[AnnotationSourceName] = source.Name
	meta.Annotations[AnnotationSourceNamespace] = source.Namespace
	return meta
}

// NamespaceMeta returns the metadata of the remote namespace that stands for a
// local one.
func (s Scope) NamespaceMeta(local string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:        s.RemoteNamespace(local),
		Labels:      map[string]string{LabelOffloading: Offloading, LabelInstance: s.Instance},
		Annotations: map[string]string{AnnotationSourceName: local},
	}
}
