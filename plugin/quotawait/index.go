package quotawait

import (
	"cmp"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// index holds the markers that this replica knows: those that it wrote, and those of the
// last list. The zero value is ready for use.
type index struct {
	mu      sync.Mutex
	filled  bool // the markers were listed
	entries map[key]*entry
	uids    map[string]int // the number of entries by local UID
	changes int64          // counts what this replica adds
}

// entry is one marker.
type entry struct {
	state
	key key
	// lastRefusal is what the API server said last; empty if that is not known.
	lastRefusal refusal
	// holderSeen is when this replica first saw the holder: so it does not depend on the
	// clocks of other machines how long that one has held the pod.
	holderSeen time.Time
	endedSeen  time.Time // when it first saw that the wait has ended
	settled    bool      // the Secret of a pod that can never be created is deleted
	reported   time.Time // when the status first said that it has failed
	added      int64
}

// put adds or updates the entry of a marker, and returns it.
func (x *index) put(k key, s state, now time.Time) entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.changes++
	return x.set(k, s, now)
}

// set is put without the lock.
func (x *index) set(k key, s state, now time.Time) entry {
	if x.entries == nil {
		x.entries, x.uids = map[key]*entry{}, map[string]int{}
	}
	e := x.entries[k]
	if e == nil {
		e = &entry{key: k, holderSeen: now}
		x.entries[k] = e
		x.uids[s.uid]++
	} else if e.uid != s.uid {
		x.forgetUID(e.uid)
		x.uids[s.uid]++
	}
	if e.holder != s.holder {
		e.holderSeen = now
	}
	if e.ended != s.ended {
		e.endedSeen, e.settled, e.reported = now, false, time.Time{}
	}
	if parsed, ok := parseRefusal(s.refusal); ok {
		e.lastRefusal = parsed
	}
	e.state, e.added = s, x.changes
	return *e
}

func (x *index) remove(k key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.delete(k)
}

// delete is remove without the lock.
func (x *index) delete(k key) {
	if e := x.entries[k]; e != nil {
		delete(x.entries, k)
		x.forgetUID(e.uid)
	}
}

func (x *index) forgetUID(uid string) {
	if x.uids[uid]--; x.uids[uid] <= 0 {
		delete(x.uids, uid)
	}
}

// version returns a number for replace.
func (x *index) version() int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.changes
}

// replace replaces the entries by those of a list that began at a version: what this
// replica has added since then stays.
func (x *index) replace(markers map[key]metav1.Object, version int64, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.filled = true
	for k, e := range x.entries {
		if _, listed := markers[k]; !listed && e.added <= version {
			x.delete(k)
		}
	}
	for k, marker := range markers {
		if e := x.entries[k]; e == nil || e.added <= version {
			x.set(k, stateOf(marker), now)
		}
	}
}

// get returns the entry of a key, if it is of the local pod with a UID.
func (x *index) get(k func() key, uid string) (entry, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.uids[uid] == 0 { // almost always: the key need not be calculated
		return entry{}, false
	}
	e := x.entries[k()]
	if e == nil || e.uid != uid {
		return entry{}, false
	}
	return *e, true
}

// settle records that the Secret of a pod that can never be created is deleted.
func (x *index) settle(k key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.entries[k]; e != nil {
		e.settled = true
	}
}

// report records that the status of a pod has said that it has failed.
func (x *index) report(k key, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.entries[k]; e != nil && e.reported.IsZero() {
		e.reported = now
	}
}

// waiting returns the pods that wait in a namespace, the longest waiting first, and the
// number of all markers in it. With an empty namespace, it returns those of all namespaces.
func (x *index) waiting(namespace string) (waiting []entry, all int) {
	keys := x.keys(namespace)
	for _, k := range keys {
		if e, ok := x.find(k); ok && e.ended == "" {
			waiting = append(waiting, e)
		}
	}
	return waiting, len(keys)
}

// hasDeleted reports whether there is a marker of a local pod that was deleted.
func (x *index) hasDeleted() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.entries {
		if e.ended == wire.WaitEndedByDelete {
			return true
		}
	}
	return false
}

func (x *index) isFilled() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.filled
}

// keys returns the keys in a namespace, the longest waiting first. With an empty namespace,
// it returns those of all namespaces.
func (x *index) keys(namespace string) []key {
	x.mu.Lock()
	defer x.mu.Unlock()
	var keys []key
	for k := range x.entries {
		if namespace == "" || k.namespace == namespace {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(x.entries[a].since.Compare(x.entries[b].since), cmp.Compare(a.name, b.name))
	})
	return keys
}

// find returns the entry of a key.
func (x *index) find(k key) (entry, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.entries[k]; e != nil {
		return *e, true
	}
	return entry{}, false
}
