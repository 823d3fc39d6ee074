package plugin

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// podReleases says which Helm releases expose the TCP ports of a pod. It reads the metadata of Helm's records, which has the
// state of each release, and as seldom as the events of the pod are read. The zero value needs the first three fields.
type podReleases struct {
	namespace string // of the releases
	each      func(ctx context.Context, resource, namespace, selector string, each func(*metav1.ObjectMeta) error) error
	log       *slog.Logger

	mu   sync.Mutex
	kept map[types.UID]keptReleases
}

type keptReleases struct {
	at      time.Time
	objects []admin.Object
}

// of returns the releases of a remote pod; none, without a remote call, if it has no Service for tunnels.
func (r *podReleases) of(ctx context.Context, pod *corev1.Pod, now time.Time) []admin.Object {
	if !slices.ContainsFunc(objectsOf(pod), func(object admin.Object) bool { return isTunnelService(pod, object) }) {
		return nil
	}
	r.mu.Lock()
	kept, ok := r.kept[pod.UID]
	r.mu.Unlock()
	if ok && now.Sub(kept.at) < pageEventsAge {
		return kept.objects
	}
	limited, cancel := context.WithTimeout(ctx, pageEventsTimeout)
	defer cancel()
	uid := pod.Labels[wire.LabelPodUID]
	states := map[string]string{} // by the name of the release
	err := r.each(limited, "secrets", r.namespace, "owner=helm,"+scope.TunnelSelector(uid), func(record *metav1.ObjectMeta) error {
		states[record.Labels["name"]] = record.Labels["status"]
		return nil
	})
	if err != nil {
		r.log.Debug("the admin page does not show the releases of a pod", "namespace", pod.Namespace, "name", pod.Name, "error", err)
	}
	objects := releaseObjects(uid, r.namespace, states, whyNotListed(limited, err, "Secrets there"))
	if ctx.Err() != nil { // the reader is gone
		return objects
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == nil || len(r.kept) >= maxPageEvents {
		r.kept = map[types.UID]keptReleases{}
	}
	r.kept[pod.UID] = keptReleases{at: now, objects: objects}
	return objects
}

// releaseObjects returns the releases of a pod whose ports are exposed, with their states by name. failure says why they
// could not be read; then the states are not all, and not shown.
func releaseObjects(uid, namespace string, states map[string]string, failure string) (objects []admin.Object) {
	add := func(name, note string) {
		objects = append(objects, admin.Object{Resource: "Helm release", Name: name, Note: note + " in namespace " + namespace})
	}
	if failure != "" {
		return []admin.Object{{Resource: "Helm release", Name: "unknown", Note: "the releases in namespace " + namespace + " cannot be read: " + failure}}
	}
	if len(states) == 0 {
		add("none", "no release is installed")
	}
	tail := strings.TrimPrefix(scope.Scope{}.ReleaseName(0, uid), "bastion-0")
	for _, name := range slices.Sorted(maps.Keys(states)) {
		note := states[name]
		if port := strings.TrimSuffix(strings.TrimPrefix(name, "bastion-"), tail); port != name {
			note = "exposes TCP port " + port + ", " + note
		}
		add(name, note)
	}
	return objects
}
