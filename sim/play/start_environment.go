package play

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// startEnvironment starts what a scenario needs: the clock, the remote cluster and
// its nodes, the plugin unless it runs elsewhere, and the virtual kubelet.
func startEnvironment(ctx context.Context, file *scenario.File, options Options) (_ *environment, err error) {
	e := &environment{file: file, options: options, keys: map[types.UID]string{}, again: map[string]*corev1.Pod{}, probes: map[string]map[string]probe{}, remote: options.Client, processed: options.processed}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	var keys []string
	for i := range file.Pods {
		pod := file.Pods[i].DeepCopy()
		pod.UID = uuid.NewUUID()
		key := file.Key(pod.Namespace, pod.Name)
		adapt(pod, file.Nodes[key], options.Profile)
		if options.probes() {
			e.probes[key] = addProbes(pod, file.Expect.Pods[key], options.shell(), endsOf(file, key, options.profile().LogPreamble))
		}
		e.pods, keys = append(e.pods, pod), append(keys, key)
		e.keys[pod.UID] = key
		if slices.ContainsFunc(file.Steps, func(s scenario.Step) bool { return s.Recreate == key }) {
			again := pod.DeepCopy()
			again.UID = uuid.NewUUID()
			e.again[key], e.keys[again.UID] = again, key
		}
	}
	e.localPods = inspect.NewLocalPods(e.uids())
	e.recorder = newRecorder(keys)
	cfg, err := pluginConfig(file, options)
	if err != nil {
		return nil, err
	}
	e.scope = plugin.TranslateOptions(cfg).Scope
	startClock(e)
	startRemote(ctx, e)
	address := options.Plugin
	if address == "" {
		if address, err = startPlugin(ctx, e, cfg); err != nil {
			return nil, err
		}
	}
	if options.intercept != nil {
		front, stop := options.intercept(address, e.remote)
		e.closers = append(e.closers, stop)
		address = front
	}
	e.address = address
	if err := startKubelet(ctx, e, address); err != nil {
		return nil, err
	}
	e.started = e.clock.Now()
	return e, nil
}

// startClock chooses the clock. Real nodes know only real time.
func startClock(e *environment) {
	if e.options.virtual {
		e.clock = instantClock{testingclock.NewFakeClock(time.Now())}
		return
	}
	if !e.options.simulatesNodes() {
		e.clock = newRealtimeClock(e.observe)
		return
	}
	clock := newVirtualClock(
		func(ctx context.Context) error { return waitUntilIdle(ctx, e) },
		func() (time.Time, bool) { return e.nodes.NextTransition() },
	)
	if e.options.Plugin != "" {
		clock.speed = e.options.Speed
	}
	e.clock = clock
}

// startRemote creates the remote cluster, unless the options name one, and its
// simulated nodes, unless it has real ones.
func startRemote(ctx context.Context, e *environment) {
	o := e.options
	logs := node.NewLogs(e.clock)
	if o.Client == nil && o.Plugin == "" {
		e.remote = fakecluster.New(fakecluster.Options{
			Now: e.clock.Now, Logs: logs.Open, Collected: e.collections.add,
		}).Client()
	}
	if !o.simulatesNodes() {
		return
	}
	e.nodes = node.New(node.Options{
		Client: e.remote, Clock: e.clock, Logs: logs, Log: o.Log, ServeLogs: o.PlayNodes, Name: nodeName(e.file.Name), Selector: o.NodeSelector,
		Absent: e.absences.add,
		Behavior: func(pod *corev1.Pod) (scenario.Pod, bool) {
			key, ours := e.key(pod)
			return e.file.Nodes[key], ours
		},
	})
	e.runInBackground(ctx, func(ctx context.Context) {
		if err := e.nodes.Run(ctx); err != nil {
			e.recorder.violation("", "the simulated nodes ended: %v", err)
		}
	})
}

// nodeName returns the name of the scenario's own Node: several scenarios are played
// on one cluster at the same time.
func nodeName(scenario string) string {
	name := "sim-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(scenario))
	return strings.TrimRight(name[:min(len(name), 63)], "-")
}

// fairSettle is how long after the answer of its create no status is asked for.
const fairSettle = time.Second

// startKubelet starts the local cluster, whose virtual kubelet calls the plugin at an
// address. Two faults of a plugin with an address strike by chance: it closes a connection that is
// used again, and it knows no container right after the create. So that they do not hide what a
// scenario is about, each has a scenario of its own (keep-alive, status-at-once).
func startKubelet(ctx context.Context, e *environment, address string) (err error) {
	o, settle := e.options, time.Duration(0)
	if o.Plugin != "" && !e.file.PollAtOnce {
		settle = fairSettle
	}
	e.kubelet, err = virtualkubelet.New(virtualkubelet.Config{
		NewConnections: o.Plugin != "" && e.file.CreateAfter.Duration == 0,
		Settle:         settle,
		Options:        interlink.Options{VirtualKubelet: e.file.VirtualKubelet, Clock: e.clock.Now},
		Plugin:         address,
		InterLink:      o.InterLink,
		HeaderTimeout:  2 * o.CallTimeout, // the error of CallTimeout says more
		CallTimeout:    o.CallTimeout,
		Shuffle:        rand.New(rand.NewPCG(o.Seed, 0)).Shuffle,
		Observe: func(call virtualkubelet.Call) {
			if call.Status == 0 && ctx.Err() == nil { // otherwise the scenario timed out
				e.unanswered.add(call)
				if o.lost != nil && (call.LostConnection() || isAbsent(call.Err)) {
					o.lost(e.file.Name)
				}
			}
		},
	})
	if err == nil {
		e.closers = append(e.closers, e.kubelet.Close)
	}
	return err
}
