package accounting_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/accounting"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// memory is a store in memory, which fails on purpose.
type memory struct {
	mu      sync.Mutex
	text    string
	version int
	// fail says how a call fails.
	fail func(verb string) failure
	// failed counts the failures.
	failed int
}

// failure is how a call of a store fails; zero if it does not.
type failure struct {
	err error
	// lost says that the call is carried out nevertheless, and late that it ends only with its context.
	lost, late bool
}

// failOften lets one of seven calls fail, each time in another way.
func (m *memory) failOften() {
	calls := 0
	kinds := []errdefs.Kind{errdefs.Unavailable, errdefs.Conflict, errdefs.Refused, errdefs.Unavailable, errdefs.Unavailable}
	m.setFail(func(verb string) failure {
		if calls++; calls%7 != 0 {
			return failure{}
		}
		turn := calls / 7
		return failure{
			err:  errdefs.New(kinds[turn%len(kinds)], "%s: injected", verb), // 500 or no answer, 409, 403
			lost: turn%len(kinds) == 3, late: turn%len(kinds) == 4,
		}
	})
}

// setFail changes how calls fail, and returns how they failed before.
func (m *memory) setFail(fail func(verb string) failure) (before func(verb string) failure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, m.fail = m.fail, fail
	return before
}

// failures returns how many calls have failed. A replica may call at the same moment.
func (m *memory) failures() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

// failing returns how a call fails.
func (m *memory) failing(ctx context.Context, verb string) failure {
	m.mu.Lock()
	var f failure
	if m.fail != nil {
		f = m.fail(verb)
	}
	if f.err != nil {
		m.failed++
	}
	m.mu.Unlock()
	if f.late {
		<-ctx.Done()
	}
	return f
}

func (m *memory) Load(ctx context.Context) (string, string, error) {
	if f := m.failing(ctx, "load"); f.err != nil {
		return "", "", f.err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.version == 0 {
		return "", "", errdefs.New(errdefs.NotFound, "no ledger")
	}
	return m.text, fmt.Sprint(m.version), nil
}

func (m *memory) Save(ctx context.Context, text, version string) error {
	f := m.failing(ctx, "save")
	if f.err != nil && !f.lost {
		return f.err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if version == "" && m.version != 0 {
		return errdefs.New(errdefs.Exists, "exists")
	}
	if version != "" && version != fmt.Sprint(m.version) {
		return errdefs.New(errdefs.Conflict, "changed")
	}
	m.text, m.version = text, m.version+1
	return f.err
}

// replica is one process of the plugin, with its own watch.
type replica struct {
	accounting *accounting.Accounting
	stop       context.CancelFunc
	stopped    chan struct{}

	mu               sync.Mutex
	listed, followed time.Time
	// cut says that the watch is interrupted, dead that the process was killed, and offline that it does not reach
	// the store.
	cut, dead, offline bool
	// seen has the last state of each pod that this replica knows.
	seen map[types.UID]*corev1.Pod
	// shown is the ledger at the last look, and last its totals.
	shown *accounting.Ledger
	last  map[string]float64
}

// mortal is the store of a process that can be killed.
type mortal struct {
	*memory
	r *replica
}

func (m mortal) Load(ctx context.Context) (string, string, error) {
	if m.r.isDead() {
		return "", "", errdefs.New(errdefs.Canceled, "killed")
	}
	if m.r.isOffline() {
		return "", "", errdefs.New(errdefs.Unavailable, "offline")
	}
	return m.memory.Load(ctx)
}

func (m mortal) Save(ctx context.Context, text, version string) error {
	if m.r.isDead() {
		return errdefs.New(errdefs.Canceled, "killed")
	}
	return m.memory.Save(ctx, text, version)
}

func (r *replica) isDead() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dead
}

func (r *replica) isOffline() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.offline
}

func (r *replica) setOffline(offline bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offline = offline
}

func (r *replica) hear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.followed = time.Now()
}

// site is a remote cluster with its pods and the replicas that watch it.
type site struct {
	t        *testing.T
	store    *memory
	replicas []*replica
	pods     map[types.UID]*corev1.Pod // as the API server shows them
}

func (s *site) start() *replica {
	r := &replica{seen: map[types.UID]*corev1.Pod{}, stopped: make(chan struct{}), last: map[string]float64{}}
	r.accounting = accounting.New(accounting.Options{
		Instance: "here", Store: mortal{s.store, r}, Log: slog.New(slog.DiscardHandler),
		Followed: func() (listed, until time.Time) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.listed, r.followed
		},
	})
	s.list(r)
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.accounting.Run(ctx); close(r.stopped) }()
	s.replicas = append(s.replicas, r)
	return r
}

// list tells a replica all pods, and which are gone.
func (s *site) list(r *replica) {
	r.mu.Lock()
	r.listed, r.followed = time.Now(), time.Now()
	r.mu.Unlock()
	for uid, pod := range r.seen {
		if s.pods[uid] == nil {
			r.accounting.HandlePodGone(pod, false)
			delete(r.seen, uid)
		}
	}
	for uid, pod := range s.pods {
		r.accounting.HandlePodChange(pod)
		r.seen[uid] = pod
	}
	r.cut = false
}

// end ends a replica, gracefully or not. The last update of a graceful end does not fail: [TestKillLosesLittle] has
// what is lost otherwise.
func (s *site) end(index int, kill bool) {
	r := s.replicas[index]
	if !kill {
		before := s.store.setFail(nil)
		defer func() { s.store.setFail(before) }()
	}
	r.mu.Lock()
	r.dead = kill
	r.mu.Unlock()
	r.stop()
	<-r.stopped
	s.replicas = append(s.replicas[:index:index], s.replicas[index+1:]...)
}

// report changes the status of a pod, or removes it.
func (s *site) report(uid types.UID, pod *corev1.Pod) {
	if pod == nil {
		delete(s.pods, uid)
	} else {
		s.pods[uid] = pod
	}
	for _, r := range s.replicas {
		if r.cut {
			continue
		}
		r.hear()
		if pod == nil {
			if last := r.seen[uid]; last != nil {
				r.accounting.HandlePodGone(last, true)
			}
			delete(r.seen, uid)
		} else {
			r.accounting.HandlePodChange(pod)
			r.seen[uid] = pod
		}
	}
}

// look checks that no total becomes less, in any replica.
func (s *site) look() {
	for _, r := range s.replicas {
		ledger := r.accounting.Ledger()
		if ledger == nil || ledger == r.shown {
			continue
		}
		r.shown = ledger
		now := map[string]float64{}
		for namespace, account := range ledger.Accounts {
			for name, total := range account.Totals {
				now[namespace+" "+name] = total.Float()
			}
		}
		for key, value := range r.last {
			if now[key] < value {
				s.t.Fatalf("%s was %v and is %v", key, value, now[key])
			}
		}
		r.last = now
	}
}
