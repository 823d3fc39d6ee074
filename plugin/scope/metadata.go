package scope

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Meta returns the metadata of the remote copy of a local object: the labels and annotations
// of the plugin only. Those of the user mean something to controllers of the local cluster,
// and could mean something else to those of the remote one: a Secret with the annotation of
// a replicator would be copied to other namespaces. podUID is empty for an object that is
// not deleted with the pod.
func (s Scope) Meta(source metav1.ObjectMeta, remoteName, podUID string) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{
		Name:      remoteName,
		Namespace: s.RemoteNamespace(source.Namespace),
		Labels: map[string]string{
			wire.LabelOffloading: wire.Offloading,
			wire.LabelInstance:   s.Instance,
		},
		Annotations: map[string]string{
			wire.AnnotationSourceName:      source.Name,
			wire.AnnotationSourceNamespace: source.Namespace,
		},
	}
	if podUID != "" {
		meta.Labels[wire.LabelPodUID] = podUID
	}
	if source.UID != "" {
		meta.Annotations[wire.AnnotationSourceUID] = string(source.UID)
	}
	return meta
}
