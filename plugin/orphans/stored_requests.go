package orphans

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// isStoredRequest reports whether an object is the stored request of a pod that waits for a
// quota, or the ConfigMap that marks it.
func isStoredRequest(meta *metav1.ObjectMeta) bool { return meta.Labels[wire.LabelStoredRequest] != "" }

// waitingFor notes the claims that a pod with a marker will use.
func (l *look) waitingFor(meta *metav1.ObjectMeta) {
	if claims := meta.Annotations[wire.AnnotationWaitingClaims]; isStoredRequest(meta) && meta.Annotations[wire.AnnotationWaitEnded] == "" && claims != "" {
		for claim := range strings.SplitSeq(claims, ",") {
			l.awaited[meta.Namespace+"/"+claim] = true
		}
	}
}

// storedRequest finds the request of a pod that waits for a quota, if it has no marker: a
// process that stopped between the two left it, and nothing will ever read it.
func (l *look) storedRequest(meta *metav1.ObjectMeta, markers map[string]bool) {
	l.used[meta.Namespace] = true
	if l.failed[configMaps] != nil || markers[meta.Namespace+"/"+meta.Name] || meta.DeletionTimestamp != nil || !l.isOld(meta) {
		return
	}
	l.add(secrets, meta, "the stored request of a pod, without its marker")
}
