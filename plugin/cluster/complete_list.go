package cluster

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// completeList collects the pods of a list, which arrives in pages or as the first events of a
// watch, so that the source can tell which ones there are before the informer learns of it.
type completeList struct {
	keys map[string]bool // namespace/name
}

func (c *completeList) begin() { c.keys = map[string]bool{} }

func (c *completeList) add(pod *corev1.Pod) {
	c.keys[cache.MetaObjectToName(pod).String()] = true
}

// addPage adds a page of a list, and reports whether it is the last one.
func (c *completeList) addPage(options metav1.ListOptions, list *corev1.PodList) bool {
	if options.Continue == "" || c.keys == nil {
		c.begin()
	}
	for i := range list.Items {
		c.add(&list.Items[i])
	}
	return list.Continue == ""
}

// addEvent adds an event of a watch that begins with all pods, and reports whether it says that
// these are all.
func (c *completeList) addEvent(event watch.Event) bool {
	pod, ok := event.Object.(*corev1.Pod)
	if !ok {
		return false
	}
	switch event.Type {
	case watch.Added, watch.Modified:
		c.add(pod)
	case watch.Deleted:
		delete(c.keys, cache.MetaObjectToName(pod).String())
	case watch.Bookmark:
		return pod.Annotations[metav1.InitialEventsAnnotationKey] == "true"
	}
	return false
}
