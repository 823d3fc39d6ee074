package cluster

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// cachedPod is a pod as the cache keeps it: as protobuf, because the Go struct of a pod
// needs several times the memory, nearly all of it for fields that are empty. A pod is
// decoded in two microseconds when it is read.
type cachedPod struct {
	// ObjectMeta has only what the informer reads.
	metav1.ObjectMeta
	// uid is the UID of the local pod.
	uid     string
	encoded []byte
	// phase, and the seconds since 1970 when it was created and, if it is being deleted, is
	// to be gone, are beside the encoded pod, so that pods can be counted without decoding them.
	phase            corev1.PodPhase
	created, deleted int64
}

func encodePod(pod *corev1.Pod) (*cachedPod, error) {
	encoded, err := pod.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode pod %s/%s for the pod cache: %w", pod.Namespace, pod.Name, err)
	}
	cached := &cachedPod{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, ResourceVersion: pod.ResourceVersion},
		uid:        pod.Labels[wire.LabelPodUID],
		encoded:    encoded,
		phase:      pod.Status.Phase,
		created:    pod.CreationTimestamp.Unix(),
	}
	if pod.DeletionTimestamp != nil {
		cached.deleted = pod.DeletionTimestamp.Unix()
	}
	return cached, nil
}

// decodePod returns the pod of an object of the cache, as a copy, or nil if the object
// is none.
func decodePod(object any) *corev1.Pod {
	cached, ok := object.(*cachedPod)
	if !ok {
		return nil
	}
	pod := &corev1.Pod{}
	if err := pod.Unmarshal(cached.encoded); err != nil {
		return nil // cannot happen: encodePod wrote it
	}
	return pod
}
