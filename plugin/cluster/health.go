package cluster

import (
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// Trouble is a state of the remote API server that lasts.
type Trouble struct {
	// Since is zero if there is no trouble.
	Since time.Time
	// Reason is why, with a kind.
	Reason error
}

// begin starts the trouble, or gives it a newer reason.
func (t *Trouble) begin(now time.Time, reason error) {
	if t.Since.IsZero() {
		t.Since = now
	}
	t.Reason = reason
}

// end ends the trouble. It returns since when it lasted.
func (t *Trouble) end() time.Time {
	since := t.Since
	*t = Trouble{}
	return since
}

// health is what the last answers of the remote API server say. It is safe for concurrent
// use.
type health struct {
	now func() time.Time
	// recovered is called when the API server answers again, or accepts the credentials
	// again, with the time since when it did not. It must not block.
	recovered func(since time.Time)
	// reopen lets a list or a watch of pods be sent soon, whose answer decides whether the
	// account may list and watch pods. It must not block.
	reopen func()

	mu sync.Mutex
	// unknown says that the API server does not know the credentials, denied that their
	// account may not list and watch pods, and away that no API server answers.
	unknown, denied, away Trouble
	// asked is true if denied is the answer to a question for the permission.
	asked bool
}

// errDenied is the reason if the account may not list and watch pods.
var errDenied = errdefs.New(errdefs.Refused, "the API server does not permit the plugin's account to list and watch pods")

// saw records an answer. reason says why, if the verdict is rejected or unreachable.
func (h *health) saw(about target, what verdict, reason error) {
	pods := about.resource == "pods" && about.list && !about.besides
	h.mu.Lock()
	var recovered time.Time // since when the trouble lasted; zero without one
	ended := func(t *Trouble) {
		if since := t.end(); recovered.IsZero() || !since.IsZero() && since.Before(recovered) {
			recovered = since
		}
	}
	switch what {
	case unreachable:
		h.away.begin(h.now(), reason)
	case undecided:
		ended(&h.away)
	case rejected:
		ended(&h.away)
		h.unknown.begin(h.now(), reason)
	case answered, forbidden:
		ended(&h.away)
		ended(&h.unknown)
		if pods && what == forbidden {
			h.denied.begin(h.now(), errDenied)
			h.asked = false
		} else if pods {
			ended(&h.denied)
		}
	}
	h.mu.Unlock()
	if !recovered.IsZero() {
		h.recovered(recovered)
	}
}

// permitted records whether the account may list pods, as the API server says when it is
// asked. A watch that is open goes on without the permission. What a list or a watch was
// answered counts more.
func (h *health) permitted(yes bool) {
	h.mu.Lock()
	reopen := false
	switch {
	case yes && h.asked:
		h.denied.end()
	case yes: // the watch can be open since a time before the permission was taken away
		reopen = !h.denied.Since.IsZero()
	case h.denied.Since.IsZero():
		h.denied.begin(h.now(), errDenied)
		h.asked = true
	}
	h.mu.Unlock()
	if reopen {
		h.reopen()
	}
}

// refused returns since when the API server refuses the plugin.
func (h *health) refused() Trouble {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.denied.Since.IsZero() || !h.unknown.Since.IsZero() && h.unknown.Since.Before(h.denied.Since) {
		return h.unknown
	}
	return h.denied
}

// unreachable returns since when no API server answers.
func (h *health) unreachable() Trouble {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.away
}
