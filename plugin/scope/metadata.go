package scope

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Meta returns the metadata of the remote copy of a local object. It keeps the user's
// labels and annotations, without kubectl's last-applied configuration and without the
// annotations that are named in without. The plugin's own labels and annotations
// replace those of the user with the same name. podUID is empty for an object that is
// not deleted with the pod.
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
