package lifecycle

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// A controller replaces each Failed pod at once (docs/contract.md, CREATE-7). So the answer
// to a pod that is refused for good, and that a controller would replace, is late: the
// first one of a controller is not, the next one by firstDelay, and each later one by
// twice as much, up to maxDelay (CREATE-17).
const (
	firstDelay = 2 * time.Second
	maxDelay   = 100 * time.Second
	// forgetRefusals is after what time without a refusal the pods of a controller are
	// answered at once again. maxControllers is how many controllers are remembered.
	forgetRefusals = 15 * time.Minute
	maxControllers = 4096
)

// lateRefusals remembers the controllers whose pods were refused.
type lateRefusals struct {
	mu          sync.Mutex
	controllers map[types.UID]refusals
	// ended is closed when every refusal is to be answered now; end closes it.
	ended <-chan struct{}
	end   func()
}

func newLateRefusals() *lateRefusals {
	ended := make(chan struct{})
	return &lateRefusals{controllers: map[types.UID]refusals{}, ended: ended, end: sync.OnceFunc(func() { close(ended) })}
}

// refusals are those of the pods of one controller.
type refusals struct {
	next time.Duration // the delay of the next one
	last time.Time
}

// delay records a refusal of a pod of a controller, and returns how late it is answered.
func (r *lateRefusals) delay(controller types.UID) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	known := r.controllers[controller]
	if now.Sub(known.last) > forgetRefusals {
		known.next = 0
	}
	delay := known.next
	known = refusals{next: min(max(2*delay, firstDelay), maxDelay), last: now}
	r.controllers[controller] = known
	if len(r.controllers) > maxControllers {
		r.forgetOldest(now)
	}
	return delay
}

// forgetOldest forgets all controllers without a recent refusal, or else the one whose last
// refusal is the oldest.
func (r *lateRefusals) forgetOldest(now time.Time) {
	var oldest types.UID
	for uid, known := range r.controllers {
		if now.Sub(known.last) > forgetRefusals {
			delete(r.controllers, uid)
		} else if other, ok := r.controllers[oldest]; !ok || known.last.Before(other.last) {
			oldest = uid
		}
	}
	if len(r.controllers) > maxControllers {
		delete(r.controllers, oldest)
	}
}

// forget forgets the controller of a pod, which was created.
func (r *lateRefusals) forget(pod *corev1.Pod) {
	if controller, ok := replacingController(pod); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.controllers, controller)
	}
}

// AnswerNow lets the refusals that wait be answered now, and all later ones at once: the
// process is about to end, and must not wait for them.
func (l *Lifecycle) AnswerNow() { l.refusals.end() }

// LateError is the error of a create whose answer must be late. Until then, the create
// stays in flight, so that the status of the pod is waiting; but it holds no lock, no place
// among the creates, and not its request.
type LateError struct {
	error
	wait func()
}

// Unwrap returns why the create failed.
func (e *LateError) Unwrap() error { return e.error }

// Wait returns when the error is to be answered, or when the pod was deleted, the caller has
// left, the time of the create is over, or the process is about to end. The caller of
// [Lifecycle.Create] must call it once.
func (e *LateError) Wait() { e.wait() }

// refusalDelay records the refusal of a pod, and returns how late it is to be answered.
func (l *Lifecycle) refusalDelay(pod *corev1.Pod, log *slog.Logger) time.Duration {
	controller, ok := replacingController(pod)
	if !ok {
		return 0
	}
	delay := l.refusals.delay(controller)
	if delay > 0 {
		log.Info("the refusal is answered late, since a controller replaces the pod at once", "delay", delay)
	}
	return delay
}

// waitToRefuse waits for a time, or until ctx is done or the process is about to end.
func (l *Lifecycle) waitToRefuse(ctx context.Context, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-l.refusals.ended:
	}
}

// replacingController returns the UID of the controller of a pod, if it is one that replaces
// a Failed pod by another at once. A Job counts failures, and waits longer each time.
func replacingController(pod *corev1.Pod) (types.UID, bool) {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner == nil {
		return "", false
	}
	switch group, _, _ := strings.Cut(owner.APIVersion, "/"); {
	case group == "apps" && (owner.Kind == "ReplicaSet" || owner.Kind == "StatefulSet" || owner.Kind == "DaemonSet"),
		group == "v1" && owner.Kind == "ReplicationController":
		return owner.UID, true
	}
	return "", false
}

// isRefusal reports whether an error of a create is final: the same pod would fail again.
func isRefusal(err error) bool {
	switch errdefs.KindOf(err) {
	case errdefs.Invalid, errdefs.Refused, errdefs.OverQuota, errdefs.Exists, errdefs.NotFound:
		return true
	}
	return false
}
