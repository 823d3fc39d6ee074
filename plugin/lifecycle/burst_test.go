package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// heldCluster is a cluster that creates a pod only when the test permits it.
type heldCluster struct {
	*cluster.Cluster
	begun  chan string // the remote namespace of each pod that is about to be created
	permit chan struct{}
}

func (c *heldCluster) Create(ctx context.Context, object metav1.Object) (metav1.Object, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		c.begun <- pod.Namespace
		<-c.permit // also if ctx ends
	}
	return c.Cluster.Create(ctx, object)
}

// burst is a Lifecycle whose creates are held, and the creates that a test has sent.
type burst struct {
	*env
	held    *heldCluster
	life    *lifecycle.Lifecycle
	creates sync.WaitGroup
	failed  chan error
}

func newBurst(t *testing.T, options ...option) *burst {
	t.Helper()
	e := newEnv(t, options...)
	b := &burst{env: e, failed: make(chan error, 10_000)}
	b.held = &heldCluster{Cluster: e.cluster, begun: make(chan string, 10_000), permit: make(chan struct{})}
	b.life = e.replica(b.held)
	t.Cleanup(b.release)
	return b
}

// release permits everything, and waits for the creates.
func (b *burst) release() {
	select {
	case <-b.held.permit:
	default:
		close(b.held.permit)
	}
	b.creates.Wait()
}

// create sends creates of pods in a local namespace, and waits until they have begun or
// wait for their turn.
func (b *burst) create(namespace string, count int) []*wire.CreateRequest {
	b.t.Helper()
	expected := b.life.HeldCreates() + b.life.WaitingCreates() + count
	var requests []*wire.CreateRequest
	for range count {
		r := plainRequest()
		r.Pod.Namespace = namespace
		requests = append(requests, r)
		b.creates.Go(func() {
			if _, err := b.life.Create(b.t.Context(), r); err != nil {
				b.failed <- err
			}
		})
	}
	b.eventually("all creates have begun or wait", func() bool {
		return b.life.HeldCreates()+b.life.WaitingCreates() == expected && len(b.held.begun) == b.life.HeldCreates()
	})
	return requests
}

// One namespace sends 300 pods, then 20 namespaces send 3 each. The others take turns with
// the first one: they do not wait for its pods.
func TestFloodOfOneNamespaceDoesNotDelayTheOthers(t *testing.T) {
	b := newBurst(t)
	const namespaces, each = 20, 3
	b.create("flood", 300)
	for i := range namespaces {
		b.create(fmt.Sprint("other-", i), each)
	}
	flood := b.options.Translate.Scope.RemoteNamespace("flood")
	others := 0
	next := func() (isFlood bool) {
		if isFlood = testkit.Receive(t, "the next create", b.held.begun) == flood; !isFlood {
			others++
		}
		return isFlood
	}
	for range b.life.HeldCreates() {
		next()
	}
	late := 0 // pods of the flood that have begun while others waited
	for others < namespaces*each {
		b.held.permit <- struct{}{}
		if next() {
			late++
		}
	}
	// In each round, each namespace has one turn.
	if late > each {
		t.Errorf("while others waited, %d pods of the flood have begun, want at most %d", late, each)
	}
	if b.life.WaitingCreates() < 200 {
		t.Errorf("only %d creates wait: the flood is over, and the test shows nothing", b.life.WaitingCreates())
	}
	b.release()
	if len(b.failed) > 0 {
		t.Errorf("%d creates failed: %v", len(b.failed), <-b.failed)
	}
	pods, err := b.admin.CoreV1().Pods(flood).List(t.Context(), metav1.ListOptions{})
	b.must(err)
	if len(pods.Items) != 300 {
		t.Errorf("%d pods of the flood exist, want 300", len(pods.Items))
	}
}

func TestManyCreatesSendOneRequestForTheirNamespace(t *testing.T) {
	e := newEnv(t)
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			if _, err := e.Create(t.Context(), plainRequest()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	requests := map[string]int{}
	for _, call := range e.faults.seen() {
		requests[call]++
	}
	if len(requests) != 2 || requests["POST namespaces"] != 1 || requests["POST pods"] != 200 {
		t.Errorf("the creates sent %v, want one POST for the namespace and one for each pod", requests)
	}
}

// A create that cannot begin in time fails with a word, and has sent nothing.
func TestCreateThatCannotBeginInTime(t *testing.T) {
	b := newBurst(t, createTimeout(2*time.Second))
	for i := range 1000 { // of several namespaces, so that everything is taken
		b.create(fmt.Sprint("busy-", i), 1)
		if b.life.WaitingCreates() > 0 {
			break
		}
	}
	b.faults.set(nil)
	_, err := b.life.Create(t.Context(), plainRequest())
	if !errdefs.Is(err, errdefs.Unavailable) || !strings.Contains(err.Error(), "too many pods at once") {
		t.Errorf("the create returned %v", err)
	}
	if calls := b.faults.seen(); len(calls) > 0 {
		t.Errorf("the create sent %v", calls)
	}
}

// While creates wait, nothing else does.
func TestOtherRequestsDoNotWaitForCreates(t *testing.T) {
	b := newBurst(t)
	r := plainRequest()
	answer, err := b.Create(t.Context(), r)
	b.must(err)
	b.eventually("the pod cache has the pod", func() bool { return b.cluster.CachedPod(string(r.Pod.UID)) != nil })
	pod := localPod(r, answer.PodJID)

	b.create("one", 100)
	b.create("two", 100)
	held, waiting := b.life.HeldCreates(), b.life.WaitingCreates()
	if waiting == 0 {
		t.Fatal("no create waits")
	}
	b.faults.set(nil)

	status, err := b.life.Status(t.Context(), []corev1.Pod{pod})
	if err != nil || len(status) != 1 {
		t.Errorf("the status is %v, %v", status, err)
	}
	log, err := b.life.Logs(t.Context(), wire.LogRequest{Namespace: pod.Namespace, PodName: pod.Name, PodUID: string(pod.UID)})
	b.must(err)
	b.must(log.Close())
	b.must(b.life.Delete(t.Context(), &pod))
	if remaining := b.remaining(r); len(remaining) > 0 {
		t.Errorf("these objects remain: %v", remaining)
	}
	if calls, want := b.faults.seen(), []string{"GET pods/name", "DELETE pods/name"}; !slices.Equal(calls, want) {
		t.Errorf("the requests sent %v, want %v", calls, want)
	}
	if b.life.HeldCreates() != held || b.life.WaitingCreates() != waiting {
		t.Errorf("a create has ended: the test shows nothing")
	}
}

// The delete of a pod whose create waits for its turn ends that create.
func TestDeleteOfAPodWhoseCreateWaits(t *testing.T) {
	b := newBurst(t)
	b.create("demo", 100)
	waiting := b.life.WaitingCreates()
	last := b.create("demo", 1)[0]
	b.faults.set(nil)
	b.must(b.life.Delete(t.Context(), &last.Pod))
	if err := testkit.Receive(t, "the end of the create", b.failed); !errdefs.Is(err, errdefs.Canceled) {
		t.Errorf("the create returned %v", err)
	}
	if got := b.life.WaitingCreates(); got != waiting {
		t.Errorf("%d creates wait, want %d", got, waiting)
	}
	if calls := b.faults.seen(); slices.Contains(calls, "POST pods") {
		t.Errorf("the requests are %v", calls)
	}
}

// A delete is one request, however many come at once.
func TestManyDeletesSendOneRequestEach(t *testing.T) {
	e := newEnv(t)
	const pods = 300
	var requests []*wire.CreateRequest
	var group sync.WaitGroup
	for range pods {
		r := plainRequest()
		requests = append(requests, r)
		group.Go(func() {
			if _, err := e.Create(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	e.eventually("the pod cache has the pods", func() bool {
		return !slices.ContainsFunc(requests, func(r *wire.CreateRequest) bool { return e.cluster.CachedPod(string(r.Pod.UID)) == nil })
	})
	e.faults.set(nil)
	for _, r := range requests {
		pod := localPod(r, "jid")
		group.Go(func() {
			if err := e.Delete(t.Context(), &pod); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	calls := e.faults.seen()
	if len(calls) != pods || slices.ContainsFunc(calls, func(call string) bool { return call != "DELETE pods/name" }) {
		t.Errorf("the deletes sent %d requests, want %d: %v", len(calls), pods, slices.Compact(slices.Sorted(slices.Values(calls))))
	}
	list, err := e.admin.CoreV1().Pods(e.namespace).List(t.Context(), metav1.ListOptions{})
	e.must(err)
	if len(list.Items) > 0 {
		t.Errorf("%d pods remain", len(list.Items))
	}
}
