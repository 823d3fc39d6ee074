package scope

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Selector selects everything that any InterLink plugin offloaded.
func Selector() string { return labels.Set{wire.LabelOffloading: wire.Offloading}.String() }

// PodSelector selects what belongs to one local pod, by the pod's UID.
func PodSelector(uid string) string {
	return labels.Set{wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: uid}.String()
}

// AttemptSelector selects what one create call made for a local pod.
func AttemptSelector(uid, attempt string) string {
	return labels.Set{wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: uid, wire.LabelAttempt: attempt}.String()
}

// TunnelSelector selects the tunnels of one local pod.
func TunnelSelector(uid string) string { return labels.Set{wire.LabelTunnelUID: uid}.String() }

// TunnelAttemptSelector selects the tunnels that one create call made for a local pod.
func TunnelAttemptSelector(uid, attempt string) string {
	return labels.Set{wire.LabelTunnelUID: uid, wire.LabelAttempt: attempt}.String()
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
	delete(meta.Annotations, wire.AnnotationLastApplied)
	for _, name := range without {
		delete(meta.Annotations, name)
	}
	meta.Labels[wire.LabelOffloading] = wire.Offloading
	meta.Labels[wire.LabelInstance] = s.Instance
	delete(meta.Labels, wire.LabelAttempt)
	delete(meta.Labels, wire.LabelPodUID)
	delete(meta.Labels, wire.LabelTunnelUID)
	if podUID != "" {
		meta.Labels[wire.LabelPodUID] = podUID
	}
	delete(meta.Annotations, wire.AnnotationSourceUID)
	if source.UID != "" {
		meta.Annotations[wire.AnnotationSourceUID] = string(source.UID)
	}
	meta.Annotations[wire.AnnotationSourceName] = source.Name
	meta.Annotations[wire.AnnotationSourceNamespace] = source.Namespace
	return meta
}

// NamespaceMeta returns the metadata of the remote namespace that stands for a
// local one.
func (s Scope) NamespaceMeta(local string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:        s.RemoteNamespace(local),
		Labels:      map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: s.Instance},
		Annotations: map[string]string{wire.AnnotationSourceName: local},
	}
}
