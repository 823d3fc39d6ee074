package load

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// The calls that a load test measures, by the names of virtualkubelet.Call.
const (
	callCreate = "CreatePod"
	callStatus = "GetStatus"
	callDelete = "DeletePod"
)

// Run runs a load test. It returns an error without a result if there is no plugin at
// the address, and an error with a result if ctx ends: it then deletes the pods that
// it has created, and the result contains what was done until then.
func Run(ctx context.Context, options Options) (*Result, error) {
	o, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	s, err := newSide(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.kubelet.Close()
	s.round(ctx, 0, o.Pods)
	return s.result(), ctx.Err()
}

// Unreachable is the error of a plugin that does not answer the first ping.
type Unreachable struct{ error }

// Unwrap returns the error of the ping.
func (u Unreachable) Unwrap() error { return u.error }

// side is a plugin under load.
type side struct {
	options  Options
	kubelet  *virtualkubelet.Kubelet
	pods     Pods
	duration time.Duration
	meter    *meter    // of the round that runs
	rounds   []*Result // those that have ended
	all      *meter    // of these rounds
}

// newSide returns an error if there is no plugin at the address.
func newSide(ctx context.Context, o Options) (*side, error) {
	s := &side{options: o, meter: newMeter(), all: newMeter()}
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{
		Plugin: o.Plugin, HeaderTimeout: 2 * o.CallTimeout, CallTimeout: o.CallTimeout, Observe: func(c virtualkubelet.Call) { s.meter.observe(c) }, Shuffle: rand.Shuffle,
	})
	if err != nil {
		return nil, err
	}
	if err := kubelet.CheckPlugin(ctx); err != nil {
		kubelet.Close()
		return nil, Unreachable{err}
	}
	kubelet.Apply(configMap)
	s.kubelet = kubelet
	return s, nil
}

// round creates a part of the pods, polls them until they have ended, and deletes them.
func (s *side) round(ctx context.Context, first, count int) {
	s.meter = newMeter()
	l := &loadTest{options: s.options, first: first, kubelet: s.kubelet, meter: s.meter, sent: map[string]bool{}, shown: map[string]time.Time{}}
	l.options.Pods = count
	start := time.Now()
	l.run(ctx)
	duration := time.Since(start)
	var pods Pods
	for pod := range l.sent {
		pods.count(s.kubelet.Status(pod).Phase)
	}
	pods.NotDeleted, pods.Requested = l.notDeleted, count
	s.rounds = append(s.rounds, s.meter.result(s.options, pods, duration))
	s.all.add(s.meter)
	s.pods.add(pods)
	s.duration += duration
}

// result returns the result of all rounds.
func (s *side) result() *Result {
	s.pods.Requested = s.options.Pods // also if not all rounds began
	return s.all.result(s.options, s.pods, s.duration)
}

// loadTest is one round.
type loadTest struct {
	options Options
	first   int // the number of the first pod
	kubelet *virtualkubelet.Kubelet
	meter   *meter

	mu         sync.Mutex
	sent       map[string]bool // the pods whose create was sent, by name
	notDeleted int
	// shown has the pods that were created and have not ended, and since when at most the
	// local cluster shows their state.
	shown map[string]time.Time
}

// run creates the pods and polls them from the beginning. It deletes them when all
// have ended or the wait is over.
func (l *loadTest) run(ctx context.Context) {
	allCreated := make(chan struct{})
	pollCtx, stopPolling := context.WithCancel(ctx)
	defer stopPolling()
	var polling sync.WaitGroup
	polling.Go(func() { l.poll(pollCtx, allCreated) })
	l.options.Progress("Creating pods")
	l.meter.measure(callCreate, func() { l.create(ctx) })
	close(allCreated)
	l.options.Progress("Waiting until the pods end")
	defer time.AfterFunc(l.options.Wait, stopPolling).Stop()
	polling.Wait()
	l.options.Progress("Deleting the pods")
	l.meter.measure(callDelete, func() { l.delete(ctx) })
}

// countError counts an error by its text. The pod's name and UID are replaced, so that
// the same error of two pods has the same text.
func (l *loadTest) countError(call, pod string, err error) {
	withoutPod := strings.NewReplacer(string(l.kubelet.Pod(pod).UID), "<uid>", pod, "<pod>")
	l.meter.countError(call, withoutPod.Replace(errorText(err)))
}
