package quotawait

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Stats returns the number of pods that wait, as far as this replica knows, and since when the
// oldest of them waits.
func (w *Waiting) Stats() (pods int, oldest time.Time) {
	waiting, _ := w.index.waiting("")
	if len(waiting) == 0 {
		return 0, time.Time{}
	}
	return len(waiting), waiting[0].since
}

// Pod is a pod that waits for a quota, or waited and can never be created.
type Pod struct {
	// UID, Namespace and Name are those of the local pod.
	UID, Namespace, Name string
	// RemoteNamespace and RemoteName are those of the remote pod that will be.
	RemoteNamespace, RemoteName string
	Since                       time.Time
	// Reason says why the remote pod does not exist, in the words of the remote API server. If Failed is true, it will
	// never exist.
	Reason string
	Failed bool
	// Claims are the names of the persistent volume claims that the pod will use.
	Claims []string
}

// Pods returns the pods that wait, or can never be created, as far as this replica knows, the longest waiting first.
func (w *Waiting) Pods() []Pod {
	var pods []Pod
	for _, k := range w.index.keys("") {
		if e, ok := w.index.find(k); ok && e.ended != wire.WaitEndedByDelete {
			pods = append(pods, newPod(k, e.state))
		}
	}
	return pods
}

// MarkerSelector selects the ConfigMaps that mark the pods of an installation that wait.
func MarkerSelector(instance string) string {
	return wire.LabelStoredRequest + "," + wire.LabelInstance + "=" + instance
}

// PodOf returns the pod of a marker; false if the local pod is deleted.
func PodOf(marker metav1.Object) (Pod, bool) {
	s := stateOf(marker)
	return newPod(key{marker.GetNamespace(), marker.GetName()}, s), s.ended != wire.WaitEndedByDelete
}

func newPod(k key, s state) Pod {
	pod := Pod{
		UID: s.uid, Namespace: s.localNamespace, Name: s.localName, RemoteNamespace: k.namespace, RemoteName: strings.TrimSuffix(k.name, suffix),
		Since: s.since, Reason: s.refusal, Failed: s.ended != "",
	}
	if pod.Failed {
		pod.Reason = s.ended
	}
	if s.claims != "" {
		pod.Claims = strings.Split(s.claims, ",")
	}
	return pod
}
