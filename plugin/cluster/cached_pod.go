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
}

func encodePod(pod *corev1.Pod) (*cachedPod, error) {
	encoded, err := pod.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode pod %s/%s for the pod cache: %w", pod.Namespace, pod.Name, err)
	}
	return &cachedPod{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, ResourceVersion: pod.ResourceVersion},
		uid:        pod.Labels[wire.LabelPodUID],
		encoded:    encoded,
	}, nil
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
