package chaos

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

// kinds are the kinds of objects that a plugin makes for a pod.
var kinds = []string{"pods", "configmaps", "secrets", "services", "persistentvolumeclaims"}

// A recorder watches the objects that plugins make, and remembers all remote pods.
type recorder struct {
	client   kubernetes.Interface
	factory  informers.SharedInformerFactory
	indexes  map[string]cache.Indexer // by kind
	cancel   context.CancelFunc
	patience time.Duration

	mu sync.Mutex
	// pods has the UIDs of all remote pods there ever were, by the UID of the local pod.
	pods map[types.UID]map[types.UID]bool
	// started has those of them that ran.
	started map[types.UID]map[types.UID]bool
	// early says which pods started without an object that they need, by local UID.
	early map[types.UID]string
}

func newRecorder(ctx context.Context, client kubernetes.Interface, patience time.Duration) (*recorder, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &recorder{client: client, indexes: map[string]cache.Indexer{}, cancel: cancel, patience: patience,
		pods: map[types.UID]map[types.UID]bool{}, started: map[types.UID]map[types.UID]bool{}, early: map[types.UID]string{}}
	r.factory = informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.LabelSelector = node.PodSelector
	}))
	core := r.factory.Core().V1()
	all := map[string]cache.SharedIndexInformer{
		"pods": core.Pods().Informer(), "configmaps": core.ConfigMaps().Informer(), "secrets": core.Secrets().Informer(),
		"services": core.Services().Informer(), "persistentvolumeclaims": core.PersistentVolumeClaims().Informer(),
	}
	for kind, informer := range all {
		r.indexes[kind] = informer.GetIndexer()
	}
	_, err := all["pods"].AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { r.notePod(o) }, UpdateFunc: func(_, o any) { r.notePod(o) },
	})
	go r.finalizeClaims(ctx)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("watch remote pods: %w", err)
	}
	r.factory.Start(ctx.Done())
	if err := r.factory.WaitForCacheSyncWithContext(ctx).AsError(); err != nil {
		cancel()
		return nil, err
	}
	return r, nil
}

func (r *recorder) close() {
	r.cancel()
	r.factory.Shutdown()
}

func localUID(object metav1.Object) types.UID { return types.UID(object.GetLabels()[wire.LabelPodUID]) }

func (r *recorder) notePod(object any) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	uid := localUID(pod)
	if r.pods[uid] == nil {
		r.pods[uid], r.started[uid] = map[types.UID]bool{}, map[types.UID]bool{}
	}
	r.pods[uid][pod.UID] = true
	if pod.Status.Phase != corev1.PodPending {
		r.started[uid][pod.UID] = true
	}
}

// absent is called when a container starts without an object (see [node.Options]).
func (r *recorder) absent(pod *corev1.Pod, container string, absent inspect.Sources, waits bool) {
	if waits {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.early[localUID(pod)] = fmt.Sprintf("container %q of the remote pod starts without %v", container, absent)
}

// remotePods returns how many remote pods there ever were for a local pod, and how many
// of them ran.
func (r *recorder) remotePods(uid types.UID) (all, ran int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.pods[uid]), len(r.started[uid])
}

// startedEarly says whether a pod started without an object that it needs.
func (r *recorder) startedEarly(uid types.UID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.early[uid]
}

// objects returns the objects that plugins made in a namespace, as kind/name.
func (r *recorder) objects(namespace string) map[string]metav1.Object {
	found := map[string]metav1.Object{}
	for kind, index := range r.indexes {
		objects, _ := index.ByIndex(cache.NamespaceIndex, namespace) // it fails only if there is no such index
		for _, o := range objects {
			if object, err := meta.Accessor(o); err == nil {
				found[kind+"/"+object.GetName()] = object
			}
		}
	}
	return found
}

// pod returns the remote pod of a local pod, or nil.
func (r *recorder) pod(namespace string, uid types.UID) *corev1.Pod {
	for _, object := range r.objects(namespace) {
		if pod, ok := object.(*corev1.Pod); ok && localUID(pod) == uid {
			return pod
		}
	}
	return nil
}

// left returns the objects of a namespace.
func (r *recorder) left(namespace string) []string {
	return slices.Sorted(maps.Keys(r.objects(namespace)))
}

// finalizeClaims completes the deletion of claims, as the controller does that does not
// run, until ctx is done.
func (r *recorder) finalizeClaims(ctx context.Context) {
	for ctx.Err() == nil {
		namespaces := map[string]bool{}
		for _, o := range r.indexes["persistentvolumeclaims"].List() {
			if claim, ok := o.(*corev1.PersistentVolumeClaim); ok && claim.DeletionTimestamp != nil {
				namespaces[claim.Namespace] = true
			}
		}
		for namespace := range namespaces {
			_ = node.FinalizeUnusedClaims(ctx, r.client, namespace) // it is called again
		}
		select {
		case <-time.After(4 * pause):
		case <-ctx.Done():
		}
	}
}

// madeByCluster are objects that controllers make in each namespace.
var madeByCluster = []string{"configmaps/kube-root-ca.crt"}

// list returns all objects of a namespace, also those without the plugin's label.
func (r *recorder) list(ctx context.Context, namespace string) ([]string, error) {
	core := r.client.CoreV1()
	var names []string
	add := func(kind string, list any, err error) error {
		if err != nil {
			return fmt.Errorf("list %s of namespace %s: %w", kind, namespace, err)
		}
		return meta.EachListItem(list.(runtime.Object), func(o runtime.Object) error {
			object, err := meta.Accessor(o)
			if err == nil && !slices.Contains(madeByCluster, kind+"/"+object.GetName()) {
				names = append(names, kind+"/"+object.GetName())
			}
			return err
		})
	}
	for _, kind := range kinds {
		var list any
		var err error
		switch o := (metav1.ListOptions{}); kind {
		case "pods":
			list, err = core.Pods(namespace).List(ctx, o)
		case "configmaps":
			list, err = core.ConfigMaps(namespace).List(ctx, o)
		case "secrets":
			list, err = core.Secrets(namespace).List(ctx, o)
		case "services":
			list, err = core.Services(namespace).List(ctx, o)
		case "persistentvolumeclaims":
			list, err = core.PersistentVolumeClaims(namespace).List(ctx, o)
		}
		if err := add(kind, list, err); err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	return names, nil
}

// finallyLeft returns what is left in a namespace, also what has no label. What is seen
// for a moment only does not count, unless the caller has waited for it in vain.
func (r *recorder) finallyLeft(ctx context.Context, namespace string, waited bool) (left []string, err error) {
	eventually(ctx, r.patience, func() bool {
		left, err = r.list(ctx, namespace)
		return waited || err != nil || len(left) == 0
	})
	return left, err
}
