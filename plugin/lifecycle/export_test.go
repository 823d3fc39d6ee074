package lifecycle

import "k8s.io/apimachinery/pkg/types"

// PendingJobs returns the number of jobs of a local pod that wait in the retry queue or
// run, for the tests outside of this package.
func (l *Lifecycle) PendingJobs(uid types.UID) int { return l.retries.pending(uid) }
