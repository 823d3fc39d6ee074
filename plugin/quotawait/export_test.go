package quotawait

import (
	"context"
	"time"
)

// Shorten shortens the times of a Waiting for a test. claim is how long a claim holds.
func (w *Waiting) Shorten(claim time.Duration) {
	w.timing = timing{
		list: 500 * time.Millisecond, minPause: 50 * time.Millisecond, pause: 500 * time.Millisecond, gap: 10 * time.Millisecond,
		claim: claim, keepFailed: time.Hour, withoutPermission: time.Hour,
	}
}

// ForgetFailures lets the markers of creates that failed be deleted at once.
func (w *Waiting) ForgetFailures() { w.timing.keepFailed = 0 }

// List lists the markers once.
func (w *Waiting) List(ctx context.Context) error { return w.list(ctx) }
