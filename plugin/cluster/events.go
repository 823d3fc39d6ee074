package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
)

// PodEvents lists events of a pod, all of them unless they are very many. The pod need have
// only its namespace, name and UID. The error is of kind Refused if the plugin may not list
// events.
func (c *Cluster) PodEvents(ctx context.Context, pod *corev1.Pod) ([]corev1.Event, error) {
	list, err := c.client.CoreV1().Events(pod.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("involvedObject.uid", string(pod.UID)).String(), Limit: pageSize,
	})
	if err := checkList(err, list); err != nil {
		return nil, wrap(err, "list", fmt.Sprintf("events of pod %s/%s", pod.Namespace, pod.Name))
	}
	return list.Items, nil
}
