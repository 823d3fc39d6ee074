package accounting_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"sort"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/accounting"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
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

// run is one run of a container, in seconds since 1970.
type run struct{ start, end int64 }

// workload is a pod with all that will happen to it.
type workload struct {
	uid       types.UID
	namespace string
	requests  []corev1.ResourceList // of each container
	whole     corev1.ResourceList
	runs      [][]run // of each container; the last of the init container ends before the others start
	delay     int64   // of the kubelet
	deleted   int64   // when the pod object is deleted
}

// pod returns the pod as its kubelet sees it at a time.
func (w *workload) pod(at int64) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		UID: w.uid, Name: string(w.uid),
		Labels:      map[string]string{wire.LabelInstance: "here"},
		Annotations: map[string]string{wire.AnnotationSourceNamespace: w.namespace},
	}}
	if w.whole != nil {
		pod.Spec.Resources = &corev1.ResourceRequirements{Requests: w.whole}
	}
	for i, requests := range w.requests {
		name := fmt.Sprintf("c%d", i)
		c := corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Requests: requests}}
		status := corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}}
		var shown []corev1.ContainerState
		for _, r := range w.runs[i] {
			start, end := metav1.Unix(r.start, 0), metav1.Unix(r.end, 0)
			switch {
			case r.start > at:
			case r.end > at:
				shown = append(shown, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: start}})
			default:
				shown = append(shown, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: start, FinishedAt: end}})
			}
		}
		if n := len(shown); n > 0 {
			status.State = shown[n-1]
			if n > 1 {
				status.LastTerminationState = shown[n-2]
			}
		}
		if i == 0 {
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
			pod.Status.InitContainerStatuses = append(pod.Status.InitContainerStatuses, status)
		} else {
			pod.Spec.Containers = append(pod.Spec.Containers, c)
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, status)
		}
	}
	return pod
}

// reports returns when the kubelet reports something.
func (w *workload) reports() []int64 {
	times := []int64{}
	for _, runs := range w.runs {
		for _, r := range runs {
			times = append(times, r.start+w.delay, r.end+w.delay)
		}
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	return times
}

// truth adds what a workload used, in thousandths; it counts second by second, not as the plugin does.
func (w *workload) truth(sums map[string]*big.Int) {
	add := func(list corev1.ResourceList, skip corev1.ResourceList, seconds int64) {
		for name, q := range list {
			if _, ok := skip[name]; ok {
				continue
			}
			key := w.namespace + " " + string(name)
			if sums[key] == nil {
				sums[key] = &big.Int{}
			}
			value := q.DeepCopy()
			milli := big.NewInt(value.MilliValue())
			if name != corev1.ResourceCPU {
				milli = new(big.Int).Mul(big.NewInt(value.Value()), big.NewInt(1000))
			}
			sums[key].Add(sums[key], new(big.Int).Mul(milli, big.NewInt(seconds)))
		}
	}
	running := map[int64]bool{}
	for i, runs := range w.runs {
		for _, r := range runs {
			add(w.requests[i], w.whole, r.end-r.start)
			if w.whole != nil {
				for at := r.start; at < r.end; at++ {
					running[at] = true
				}
			}
		}
	}
	add(w.whole, nil, int64(len(running)))
}

// workloads returns the pods of a day that begins at a time.
func workloads(random *rand.Rand, number int, begin, end int64) []*workload {
	list := func(cpu, memory string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
	}
	kinds := []corev1.ResourceList{
		nil, list("1", "1Gi"), list("250m", "64Mi"), list("64", "1Ti"),
		{"nvidia.com/gpu": resource.MustParse("4"), corev1.ResourceCPU: resource.MustParse("333m")},
		{corev1.ResourceEphemeralStorage: resource.MustParse("7G")},
	}
	var result []*workload
	for i := range number {
		w := &workload{
			uid: types.UID(fmt.Sprintf("%08x", i)), namespace: fmt.Sprintf("team-%d", random.IntN(7)),
			delay: random.Int64N(60),
		}
		if random.IntN(4) == 0 {
			w.whole = list("3", "2Gi")
		}
		at := begin + 600 + random.Int64N(end-begin-3*60*60)
		initEnd := at + 1 + random.Int64N(900)
		w.requests, w.runs = append(w.requests, kinds[random.IntN(len(kinds))]), append(w.runs, []run{{at, initEnd}})
		last := initEnd
		for range 1 + random.IntN(2) {
			start := initEnd + random.Int64N(5)
			var runs []run
			for range 1 + random.IntN(3) {
				// Longer than the longest time in which no replica looks: a pod shows its last two runs only.
				stop := start + 1200 + random.Int64N(1200)
				runs = append(runs, run{start, stop})
				last, start = max(last, stop), stop+1+random.Int64N(300)
			}
			w.requests, w.runs = append(w.requests, kinds[random.IntN(len(kinds))]), append(w.runs, runs)
		}
		w.deleted = last + w.delay + 1 + random.Int64N(60)
		result = append(result, w)
	}
	return result
}
