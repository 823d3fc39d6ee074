package load

import (
	"context"
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
	m := newMeter()
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{
		Plugin: o.Plugin, HeaderTimeout: 2 * o.CallTimeout, CallTimeout: o.CallTimeout, Observe: m.observe,
	})
	if err != nil {
		return nil, err
	}
	defer kubelet.Close()
	if err := kubelet.CheckPlugin(ctx); err != nil {
		return nil, err
	}
	l := &loadTest{options: o, kubelet: kubelet, meter: m, sent: map[string]bool{}}
	start := time.Now()
	l.run(ctx)
	result := m.result(o, time.Since(start))
	for pod := range l.sent {
		result.Pods.count(kubelet.Status(pod).Phase)
	}
	result.Pods.NotDeleted = l.notDeleted
	return result, ctx.Err()
}

type loadTest struct {
	options Options
	kubelet *virtualkubelet.Kubelet
	meter   *meter

	mu         sync.Mutex
	sent       map[string]bool // the pods whose create was sent, by name
	notDeleted int
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
