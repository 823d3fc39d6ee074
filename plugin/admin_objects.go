package plugin

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// objectsOf returns the objects that a pod owns, and the claims that it uses.
func objectsOf(pod *corev1.Pod) (objects []admin.Object) {
	owned, _ := scope.Owned(pod)
	for _, object := range owned {
		shown := admin.Object{Resource: scope.ResourceOf(object), Name: object.GetName()}
		switch {
		case shown.Resource == "secrets" && shown.Name == (scope.Scope{}).MeshSecretName(pod.Labels[wire.LabelPodUID]):
			shown.Note = "files of the mesh or tunnel"
		case isTunnelService(pod, shown):
			shown.Note = "target of the TCP tunnels"
		}
		objects = append(objects, shown)
	}
	for claim := range strings.SplitSeq(pod.Annotations[wire.AnnotationClaims], ",") {
		if claim != "" {
			objects = append(objects, claimObject(claim))
		}
	}
	return objects
}

func claimObject(name string) admin.Object {
	return admin.Object{Resource: "persistentvolumeclaims", Name: name, Note: "outlives the pod"}
}

// isTunnelService reports whether an object of a pod is the Service of its TCP tunnels.
func isTunnelService(pod *corev1.Pod, object admin.Object) bool {
	return object.Resource == "services" && object.Name == scope.Scope{}.ServiceName(pod.Labels[wire.LabelPodUID])
}
