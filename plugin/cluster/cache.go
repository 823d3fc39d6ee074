package cluster

import (
	"context"
	"fmt"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// podCache holds the offloaded pods of the remote cluster; a watch keeps it up to
// date. While the API server cannot be reached, it keeps the last known state.
type podCache struct {
	informer cache.SharedIndexInformer
	source   *podSource
	ended    *endedPods
}

// indexUID is the name of the cache's index, by the UID of the local pod.
const indexUID = "source-uid"

func newPodCache(client kubernetes.Interface, namespace string, cachedFields func(*corev1.Pod) *corev1.Pod, log *slog.Logger) (*podCache, error) {
	ended := newEndedPods(cachedFields)
	source := &podSource{pods: client.CoreV1().Pods(namespace), log: log, gone: ended.remember}
	informer := cache.NewSharedIndexInformer(
		cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{ListWithContextFunc: source.list, WatchFuncWithContext: source.watch}, client),
		&corev1.Pod{}, 0,
		cache.Indexers{indexUID: func(object any) ([]string, error) {
			pod, ok := object.(*cachedPod)
			if !ok {
				return nil, fmt.Errorf("index pods: %T is not a cached pod", object)
			}
			return []string{pod.uid}, nil
		}},
	)
	err := informer.SetTransform(func(object any) (any, error) {
		if pod, ok := object.(*corev1.Pod); ok {
			return encodePod(cachedFields(pod))
		}
		return object, nil // encoded already, or a tombstone of an encoded pod
	})
	if err != nil {
		return nil, fmt.Errorf("reduce cached pods: %w", err)
	}
	err = informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		log.Debug("the remote pods are listed again", "error", err) // the source has logged why
	})
	if err != nil {
		return nil, fmt.Errorf("watch remote pods: %w", err)
	}
	c := &podCache{informer: informer, source: source, ended: ended}
	source.complete = c.rememberMissing
	return c, nil
}

// onChange calls changed for every pod that is added or changed, and deleted for every
// pod that is deleted, one at a time. seen is false if the delete was not seen: the pod, as it was
// last known, is missing in a list after an interruption of the watch.
func (c *podCache) onChange(changed func(*corev1.Pod), deleted func(pod *corev1.Pod, seen bool)) error {
	change := func(object any) {
		if pod := decodePod(object); pod != nil {
			changed(pod)
		}
	}
	_, err := c.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: change,
		UpdateFunc: func(before, now any) {
			// A pod that was replaced by one with the same name during an interruption is not said to be deleted.
			if old, pod := decodePod(before), decodePod(now); old != nil && pod != nil && old.UID != pod.UID {
				deleted(old, false)
			}
			change(now)
		},
		DeleteFunc: func(object any) {
			last, missing := object.(cache.DeletedFinalStateUnknown)
			if missing {
				object = last.Obj
			}
			if pod := decodePod(object); pod != nil {
				deleted(pod, !missing)
			}
		},
	})
	return err
}

// rememberMissing remembers the pods in the cache that a complete list does not have: they were
// deleted while there was no watch. The watch tells the others (podSource.gone). The informer drops
// them only later, so that each pod is found in the cache or in the memory.
func (c *podCache) rememberMissing(exist map[string]bool) {
	store := c.informer.GetIndexer()
	for _, key := range store.ListKeys() {
		if exist[key] {
			continue
		}
		object, _, _ := store.GetByKey(key) // the memory has no errors
		if pod := decodePod(object); pod != nil {
			c.ended.remember(pod)
		}
	}
}

// byUID returns the remote pods for the UID of a local pod.
func (c *podCache) byUID(uid string) []*corev1.Pod {
	// ByIndex fails only if the index does not exist.
	objects, _ := c.informer.GetIndexer().ByIndex(indexUID, uid)
	pods := make([]*corev1.Pod, 0, len(objects))
	for _, object := range objects {
		if pod := decodePod(object); pod != nil {
			pods = append(pods, pod)
		}
	}
	return pods
}

// byName returns the remote pod with a name, or nil.
func (c *podCache) byName(namespace, name string) *corev1.Pod {
	object, _, _ := c.informer.GetIndexer().GetByKey(namespace + "/" + name)
	return decodePod(object)
}

// preferred chooses one of several remote pods with the same local UID, which exist
// if a site ran two plugins at the same time: a pod that is not being deleted is
// preferred, then the oldest pod. It returns nil if there are no pods.
func preferred(pods []*corev1.Pod) *corev1.Pod {
	var best *corev1.Pod
	for _, pod := range pods {
		switch {
		case best == nil,
			best.DeletionTimestamp != nil && pod.DeletionTimestamp == nil,
			(best.DeletionTimestamp == nil) == (pod.DeletionTimestamp == nil) && pod.CreationTimestamp.Before(&best.CreationTimestamp):
			best = pod
		}
	}
	return best
}
