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
	// fail returns an error of a call, and whether the call is carried out nevertheless.
	fail func(verb string) (err error, lost bool)
	// history has each text that was ever stored.
	stored int
}

func (m *memory) failNoMore() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = nil
}

func (m *memory) Load(context.Context) (string, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if err, _ := m.fail("load"); err != nil {
			return "", "", err
		}
	}
	if m.version == 0 {
		return "", "", errdefs.New(errdefs.NotFound, "no ledger")
	}
	return m.text, fmt.Sprint(m.version), nil
}

func (m *memory) Save(_ context.Context, text, version string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var err error
	if m.fail != nil {
		var lost bool
		if err, lost = m.fail("save"); err != nil && !lost {
			return err
		}
	}
	if version == "" && m.version != 0 {
		return errdefs.New(errdefs.Exists, "exists")
	}
	if version != "" && version != fmt.Sprint(m.version) {
		return errdefs.New(errdefs.Conflict, "changed")
	}
	m.text, m.version, m.stored = text, m.version+1, m.stored+1
	return err
}

// replica is one process of the plugin, with its own watch.
type replica struct {
	accounting *accounting.Accounting
	stop       context.CancelFunc
	stopped    chan struct{}

	mu       sync.Mutex
	followed time.Time
	// cut says that the watch is interrupted, and dead that the process was killed.
	cut, dead bool
	// seen has the last state of each pod that this replica knows.
	seen map[types.UID]*corev1.Pod
	last map[string]float64
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
		Followed: func() time.Time {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.followed
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
	for uid, pod := range r.seen {
		if s.pods[uid] == nil {
			r.accounting.HandlePodGone(pod)
			delete(r.seen, uid)
		}
	}
	for uid, pod := range s.pods {
		r.accounting.HandlePodChange(pod)
		r.seen[uid] = pod
	}
	r.cut = false
	r.hear()
}

// end ends a replica, gracefully or not.
func (s *site) end(index int, kill bool) {
	r := s.replicas[index]
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
		if pod == nil {
			if last := r.seen[uid]; last != nil {
				r.accounting.HandlePodGone(last)
			}
			delete(r.seen, uid)
		} else {
			r.accounting.HandlePodChange(pod)
			r.seen[uid] = pod
		}
		r.hear()
	}
}

// look checks that no total becomes less, in any replica, or is more than the truth.
func (s *site) look() {
	for _, r := range s.replicas {
		ledger := r.accounting.Ledger()
		if ledger == nil {
			continue
		}
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
