package lifecycle

import (
	"context"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// originalTimeout is how long a create waits for a status request with its pod. The virtual
// kubelet asks for a pod also while its create is in flight, and goes through all of its pods
// every 5 s and the time that all answers take (docs/contract.md, STATUS-2 and STATUS-5): so
// most often one comes within two cycles, and later than three it may never come.
const originalTimeout = 15 * time.Second

// originalMaxRequest is the size in bytes of the largest request that waits for a status request.
// The server holds room for the bodies of larger ones until their creates have ended, so those
// that only wait would keep others out.
const originalMaxRequest = 64 << 10

// originals lets creates wait for status requests, which have the pod as the user wrote it
// (docs/contract.md, STATUS-3). It holds nothing of a pod that no create waits for. The zero
// value is ready for use.
type originals struct {
	mu      sync.Mutex
	waiting map[types.UID]chan []wire.OriginalContainer
}

// expect returns a channel that gets the variables of a local pod. The caller calls done once.
func (o *originals) expect(uid types.UID) (_ <-chan []wire.OriginalContainer, done func()) {
	arrived := make(chan []wire.OriginalContainer, 1)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting == nil {
		o.waiting = map[types.UID]chan []wire.OriginalContainer{}
	}
	o.waiting[uid] = arrived // the lock of the pod lets one create wait at a time
	return arrived, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.waiting, uid)
	}
}

// NeedsOriginal reports whether a create waits for the local pod with a UID as the user wrote
// it.
func (l *Lifecycle) NeedsOriginal(uid types.UID) bool {
	l.originals.mu.Lock()
	defer l.originals.mu.Unlock()
	_, ok := l.originals.waiting[uid]
	return ok
}

// HandOver hands the pod of a status request to the create that waits for it, if there is one.
func (l *Lifecycle) HandOver(pod *corev1.Pod) {
	l.originals.mu.Lock()
	defer l.originals.mu.Unlock()
	if arrived, ok := l.originals.waiting[pod.UID]; ok {
		delete(l.originals.waiting, pod.UID) // the channel has room for one
		arrived <- translate.OriginalVariables(pod)
	}
}

// addOriginal adds what only the original pod says of the variables to a request that needs it
// (docs/contract.md, ENV-17). If no status request comes in time, or the request is too large to
// wait, it stays as it is, and the translation warns about what is unknown. The error is that
// of ctx.
func (l *Lifecycle) addOriginal(ctx context.Context, request *wire.CreateRequest, site *Site, log *slog.Logger) error {
	if !translate.NeedsOriginal(request, site.Translate) {
		return nil
	}
	if size := requestSize(request); size > originalMaxRequest {
		log.Info("the create does not wait for the pod as the user wrote it, since its ConfigMaps and Secrets are large: what its variables mean may be unknown", "bytes", size)
		return nil
	}
	arrived, done := l.originals.expect(request.Pod.UID)
	defer done()
	timeout := min(originalTimeout, l.options.CreateTimeout/5) // most of the time is for the create
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case request.Original = <-arrived:
	case <-timer.C:
		log.Info("no status request came with the pod as the user wrote it: what its variables mean may be unknown", "waited", timeout)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// requestSize returns about how many bytes a request takes: those of the pod, and those of each
// copy of its ConfigMaps and Secrets.
func requestSize(request *wire.CreateRequest) int {
	size := request.Pod.Size() + len(request.JobConfig) + len(request.JobScript)
	for _, c := range request.Containers {
		for _, configMaps := range [][]corev1.ConfigMap{c.ConfigMaps, c.ProjectedVolumeMaps} {
			for i := range configMaps {
				size += configMaps[i].Size()
			}
		}
		for i := range c.Secrets {
			size += c.Secrets[i].Size()
		}
	}
	return size
}
