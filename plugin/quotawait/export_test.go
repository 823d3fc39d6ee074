package quotawait

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Shorten shortens the times of a Waiting for a test. hold is how long a replica holds a pod.
func (w *Waiting) Shorten(hold time.Duration) {
	w.timing = timing{
		list: 500 * time.Millisecond, minPause: 50 * time.Millisecond, pause: 500 * time.Millisecond, gap: 10 * time.Millisecond, recount: 200 * time.Millisecond, lateRecount: time.Second,
		hold: hold, blocked: time.Hour, keepFailed: time.Hour, keepReported: time.Hour, withoutPermission: time.Hour,
	}
}

// ForgetFailures lets the markers of creates that failed be deleted at once.
func (w *Waiting) ForgetFailures() { w.timing.keepFailed = 0 }

// EndBlocks lets a pod fail soon after pods block each other, and forgets it soon after that was reported.
func (w *Waiting) EndBlocks() {
	w.timing.blocked, w.timing.keepReported = time.Second, 100*time.Millisecond
}

// Block lets no pod begin to wait that stored requests keep out.
func (w *Waiting) Block(namespace string) { w.setBlocked(namespace, true) }

// List lists the markers once.
func (w *Waiting) List(ctx context.Context) error { return w.list(ctx) }

// Stored returns the Secret and the marker of a stored request.
func Stored(s scope.Scope, request *wire.CreateRequest) (*corev1.Secret, *corev1.ConfigMap, error) {
	secret, err := newSecret(s, request)
	return secret, newMarker(s, &request.Pod, nil, time.Now(), ""), err
}
