package orphans_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/orphans"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// grace is the default of [offloading] orphan_grace.
const grace = time.Hour

// world is a remote cluster in memory, with its Lease, and the virtual nodes that ask
// about pods. It lives in a bubble of testing/synctest: hours pass in seconds. Each call
// takes a moment of that time.
type world struct {
	t      *testing.T
	random *rand.Rand

	mu       sync.Mutex
	version  int
	pods     map[types.NamespacedName]*corev1.Pod
	watchers map[*process]bool
	lease    lease
	objects  map[string]map[string]*metav1.ObjectMeta // by resource and name
	deleted  []string                                 // names of deleted pods and objects
	marks    int                                      // marks that were set
	drift    time.Duration
	refuse   error // of the Lease
	hang     <-chan struct{}
	// markFails is the answer to each change of a mark.
	markFails error
	// listFails has the failures of lists by resource, after all objects.
	listFails map[string]error
	// crash is called before and after each call of a process for a pod is carried out.
	crash func(*process)

	nodes map[string]*node
}

// node is a virtual node.
type node struct {
	down bool
	live []string // the local UIDs of the pods that it asks about
}

// process is one run of the plugin.
type process struct {
	*orphans.Orphans
	world  *world
	id     string
	killed bool
	stop   func()
	ended  chan struct{}
	log    *strings.Builder
}

// newWorld returns a world; its random choices follow from seed.
func newWorld(t *testing.T, seed uint64) *world {
	t.Logf("seed %d", seed)
	return &world{
		t: t, random: rand.New(rand.NewPCG(seed, seed)),
		pods: map[types.NamespacedName]*corev1.Pod{}, watchers: map[*process]bool{}, objects: map[string]map[string]*metav1.ObjectMeta{}, nodes: map[string]*node{},
	}
}

// add adds running remote pods of a virtual node, named <prefix>-<number>, which are
// also their local UIDs. live says whether the node asks about them.
func (w *world) add(nodeName, prefix string, count int, live bool) []string {
	n := w.nodes[nodeName]
	if n == nil {
		n = &node{}
		w.nodes[nodeName] = n
	}
	var names []string
	for i := range count {
		name := prefix + "-" + strconv.Itoa(i)
		names = append(names, name)
		w.put(&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "offloading", Name: name, UID: types.UID("remote-" + name), CreationTimestamp: metav1.Now(),
				Labels: map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "test", wire.LabelPodUID: name},
				Annotations: map[string]string{
					wire.AnnotationSourceNode: nodeName, wire.AnnotationSourceName: name, wire.AnnotationSourceNamespace: "demo",
				},
			},
			Status: corev1.PodStatus{Phase: corev1.PodRunning},
		})
		if live {
			n.live = append(n.live, name)
		}
	}
	return names
}

// addObject adds an object of the instance without a pod.
func (w *world) addObject(resource, name string, annotations map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.objects[resource] == nil {
		w.objects[resource] = map[string]*metav1.ObjectMeta{}
	}
	w.version++
	w.objects[resource][name] = &metav1.ObjectMeta{
		Namespace: "offloading", Name: name, UID: types.UID("uid-" + name), CreationTimestamp: metav1.NewTime(time.Now()), ResourceVersion: strconv.Itoa(w.version),
		Labels:      map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "test", wire.LabelPodUID: "gone"},
		Annotations: annotations,
	}
}

// put stores a pod and tells the processes.
func (w *world) put(pod *corev1.Pod) {
	w.mu.Lock()
	w.version++
	pod = pod.DeepCopy()
	pod.ResourceVersion = strconv.Itoa(w.version)
	w.pods[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}] = pod
	watchers := w.watching()
	w.mu.Unlock()
	for _, p := range watchers {
		p.HandlePodChange(pod)
	}
}

func (w *world) watching() []*process {
	var list []*process
	for p := range w.watchers {
		list = append(list, p)
	}
	return list
}

// change changes a pod.
func (w *world) change(name string, change func(*corev1.Pod)) {
	pod := w.pod(name).DeepCopy()
	change(pod)
	w.put(pod)
}

func (w *world) pod(name string) *corev1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pods[types.NamespacedName{Namespace: "offloading", Name: name}]
}

// exist returns how many of these pods exist.
func (w *world) exist(names []string) int {
	count := 0
	for _, name := range names {
		if w.pod(name) != nil {
			count++
		}
	}
	return count
}

// now is the wall clock, which can jump.
func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.drift).Round(0)
}

// start starts a process.
func (w *world) start(id string, change ...func(*orphans.Options)) *process {
	p := &process{world: w, id: id, ended: make(chan struct{}), log: &strings.Builder{}}
	options := orphans.Options{
		Scope: scope.Scope{Prefix: "offloading", Instance: "test"}, Grace: grace, Now: w.now,
		Lock: &lock{process: p},
		Log:  slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{})),
	}
	for _, c := range change {
		c(&options)
	}
	p.Orphans = orphans.New(remote{p}, options)
	w.mu.Lock()
	w.watchers[p] = true
	var all []*corev1.Pod
	for _, pod := range w.pods {
		all = append(all, pod)
	}
	w.mu.Unlock()
	for _, pod := range all {
		p.HandlePodChange(pod)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	p.stop = cancel
	go func() {
		defer close(p.ended)
		p.Run(ctx)
	}()
	return p
}

// Write collects the log.
func (p *process) Write(line []byte) (int, error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return p.log.Write(line)
}

// end ends a process as SIGTERM does.
func (p *process) end() {
	p.stop()
	<-p.ended
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	delete(p.world.watchers, p)
}

// kill ends a process as SIGKILL does: from now on, none of its calls has an effect.
func (p *process) kill() {
	p.world.mu.Lock()
	p.killed = true
	p.world.mu.Unlock()
	p.end()
}

// run lets the virtual nodes ask for a time, every 5 s, each about all of its pods in
// random order. choose says which replica gets a request. between is called after each
// cycle; it may be nil.
func (w *world) run(d time.Duration, choose func() *process, between func()) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for name, n := range w.nodes {
			if n.down {
				continue
			}
			w.random.Shuffle(len(n.live), func(i, j int) { n.live[i], n.live[j] = n.live[j], n.live[i] })
			request := []corev1.Pod{{Spec: corev1.PodSpec{NodeName: name}}}
			for _, uid := range n.live {
				request[0].UID = types.UID(uid)
				choose().Asked(request)
			}
		}
		time.Sleep(5 * time.Second)
		synctest.Wait() // what happened until now can be read without a lock
		if between != nil {
			between()
		}
	}
}

// only returns the choice of one replica.
func only(p *process) func() *process { return func() *process { return p } }

// expect checks which pods were deleted.
func (w *world) expectDeleted(want []string) {
	w.t.Helper()
	got := slices.Sorted(slices.Values(w.deleted))
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		w.t.Errorf("deleted %d pods: %s\nwant %d: %s", len(got), fmt.Sprint(got), len(want), fmt.Sprint(want))
	}
}
