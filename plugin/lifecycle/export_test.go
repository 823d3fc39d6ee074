package lifecycle

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// MaxServiceOwners is the number of pods that can own a Service.
const MaxServiceOwners = maxServiceOwners

// DeleteOwned deletes at once what a pod owned that is gone.
func (l *Lifecycle) DeleteOwned(ctx context.Context, pod *corev1.Pod) { l.deleteOwned(ctx, pod) }

// PendingJobs returns the number of jobs of a local pod that wait in the retry queue or
// run, for the tests outside of this package.
func (l *Lifecycle) PendingJobs(uid types.UID) int {
	return l.retries.pending(uid) + l.sweeps.pending(uid)
}

// HeldCreates returns the number of creates that have begun, and WaitingCreates the number
// of those that wait for their turn.
func (l *Lifecycle) HeldCreates() int    { return l.creates.Held() }
func (l *Lifecycle) WaitingCreates() int { return l.creates.Waiting() }

// IsOwnNamespace reports whether a remote namespace is known as one that the plugin created.
func (l *Lifecycle) IsOwnNamespace(name string) bool { return l.isOwnNamespace(name) }

// SetNamespaceMemory sets how long the Lifecycle relies on what it knows about a namespace.
func (l *Lifecycle) SetNamespaceMemory(d time.Duration) { l.namespaceMemory = d }

// RememberedControllers returns how many controllers whose pods were refused are remembered.
func (l *Lifecycle) RememberedControllers() int {
	l.refusals.mu.Lock()
	defer l.refusals.mu.Unlock()
	return len(l.refusals.controllers)
}

// SetEventsAfter sets how long a pod waits before its events are looked up.
func (l *Lifecycle) SetEventsAfter(d time.Duration) { l.events.after = d }
