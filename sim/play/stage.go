package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// stage is where one scenario is played.
type stage struct {
	file    *scenario.File
	options Options
	pods    []*corev1.Pod        // the manifests, with UIDs
	keys    map[types.UID]string // by UID, what the scenario calls a pod
	owners  inspect.LocalPods

	kubelet *virtualkubelet.Kubelet
	plugin  *plugin.Plugin       // nil if it runs elsewhere
	remote  kubernetes.Interface // nil if it is not looked at
	scope   scope.Scope          // says the remote namespaces
	nodes   *node.Nodes          // nil if they are not played
	pace    pace
	begin   time.Time
	record  *recorder
	// unanswered says that the plugin gave no answer to some call.
	unanswered atomic.Bool

	ending []func() // what ends the stage, last first
}

func newStage(ctx context.Context, file *scenario.File, options Options) (_ *stage, err error) {
	s := &stage{file: file, options: options, keys: map[types.UID]string{}, remote: options.Client}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for i := range file.Pods {
		pod := file.Pods[i].DeepCopy()
		pod.UID = uuid.NewUUID()
		s.pods = append(s.pods, pod)
		s.keys[pod.UID] = file.Key(pod.Namespace, pod.Name)
	}
	s.owners = inspect.NewLocalPods(s.uids())
	s.record = newRecorder(s)
	cfg, err := configure(file, options)
	if err != nil {
		return nil, err
	}
	s.scope = plugin.Translation(cfg).Scope
	s.setPace()
	address := options.Plugin
	if address == "" {
		if address, err = s.startPlugin(ctx, cfg); err != nil {
			return nil, err
		}
	}
	if options.between != nil {
		front, stop := options.between(address, s.remote)
		s.ending = append(s.ending, stop)
		address = front
	}
	if s.nodes != nil {
		s.background(ctx, func(ctx context.Context) {
			if err := s.nodes.Run(ctx); err != nil {
				s.record.trouble("the simulated nodes ended: %v", err)
			}
		})
	}
	s.kubelet, err = virtualkubelet.New(virtualkubelet.Config{
		Options:       interlink.Options{VirtualKubelet: file.VirtualKubelet, Clock: s.pace.Now},
		Plugin:        address,
		HeaderTimeout: 2 * options.CallTimeout, // the whole call's limit says more
		CallTimeout:   options.CallTimeout,
		Observe: func(call virtualkubelet.Call) {
			if call.Status == 0 && ctx.Err() == nil { // else it is the scenario that has no time
				s.unanswered.Store(true)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	s.ending = append(s.ending, s.kubelet.Close)
	s.begin = s.pace.Now()
	return s, nil
}

// setPace chooses the clock and, with it, the remote cluster and its nodes.
func (s *stage) setPace() {
	o := s.options
	if o.Plugin != "" || o.Client != nil && !o.PlayNodes {
		s.pace = &flowing{Clock: node.ScaledClock(o.Speed), look: s.look}
	} else {
		// Whole seconds are all that Kubernetes keeps of a time.
		clock := &stepped{FakeClock: testingclock.NewFakeClock(time.Now().Truncate(time.Second)), settle: s.settle}
		clock.next = func() (time.Time, bool) { return s.nodes.NextTransition() }
		s.pace = clock
	}
	logs := node.NewLogs(s.pace)
	if o.Client == nil && o.Plugin == "" {
		s.remote = fakecluster.New(fakecluster.Options{Now: s.pace.Now, Logs: logs.Open}).Client()
	}
	if o.PlayNodes || s.remote != o.Client {
		s.nodes = node.New(node.Options{
			Client: s.remote, Behaviour: s.behaviour, Clock: s.pace, Logs: logs, Log: o.Log,
			ServeLogs: o.PlayNodes, Name: nodeName(s.file.Name),
		})
	}
}

// nodeName is a Node's of the scenario's own: several are played side by side.
func nodeName(scenario string) string {
	name := "sim-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(scenario))
	return strings.TrimRight(name[:min(len(name), 63)], "-")
}

// background runs something until the stage is closed.
func (s *stage) background(ctx context.Context, run func(context.Context)) {
	// It outlives a scenario that ran out of time, to tidy up.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { run(ctx) })
	s.ending = append(s.ending, func() { stop(); running.Wait() })
}

func (s *stage) close() {
	for _, end := range slices.Backward(s.ending) {
		end()
	}
	s.ending = nil
}

// key is what the scenario calls the pod that an object belongs to.
func (s *stage) key(object metav1.Object) (string, bool) {
	uid, ours := s.owners.UIDOf(object)
	return s.keys[uid], ours
}

func (s *stage) behaviour(pod *corev1.Pod) (scenario.Pod, bool) {
	key, ours := s.key(pod)
	return s.file.Nodes[key], ours
}

// remotePods are those of the scenario; a tunnel's pods only carry their UIDs.
func (s *stage) remotePods(ctx context.Context) ([]corev1.Pod, error) {
	options := metav1.ListOptions{}
	if s.nodes != nil {
		options.LabelSelector = node.PodSelector // which is all that nodes see
	}
	list, err := s.remote.CoreV1().Pods("").List(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("list remote pods: %w", err)
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool {
		_, ours := s.key(&pod)
		return !ours || inspect.IsTunnel(&pod)
	}), nil
}

// settleTime is how long all may take to come to rest: real time, of which they
// need milliseconds.
const settleTime = time.Minute

// settle returns once the nodes have done what is due, and they and the plugin
// have heard of all that was done.
func (s *stage) settle(ctx context.Context) error {
	limit := time.After(settleTime)
	for wait := 100 * time.Microsecond; ; wait = min(2*wait, 20*time.Millisecond) {
		var err error
		if s.nodes.Idle() { // or a list of many pods is for nothing
			var pods []corev1.Pod
			pods, err = s.remotePods(ctx)
			if err == nil && s.nodes.UpToDate(versions(pods)) && s.known(pods) {
				s.record.look(pods)
				return nil
			}
		}
		select {
		case <-time.After(wait):
		case <-limit:
			return errors.Join(err, fmt.Errorf("plugin and nodes did not come to rest within %s", settleTime))
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
}

func versions(pods []corev1.Pod) map[types.UID]string {
	versions := make(map[types.UID]string, len(pods))
	for i := range pods {
		versions[pods[i].UID] = pods[i].ResourceVersion
	}
	return versions
}

// known says whether the plugin has heard of these pods and of no others. Should
// there be several for one local pod, it need only know one.
func (s *stage) known(pods []corev1.Pod) bool {
	versions := make(map[types.UID][]string, len(s.keys))
	for uid := range s.keys {
		versions[uid] = nil
	}
	for i := range pods {
		uid := types.UID(pods[i].Labels[wire.LabelPodUID])
		versions[uid] = append(versions[uid], pods[i].ResourceVersion)
	}
	for uid, those := range versions {
		if len(those) == 0 {
			those = []string{""}
		}
		if !slices.ContainsFunc(those, func(version string) bool { return s.plugin.HasProcessed(string(uid), version) }) {
			return false
		}
	}
	return true
}

// look records what is to be seen where time flows.
func (s *stage) look(ctx context.Context) {
	var pods []corev1.Pod
	if s.remote != nil {
		var err error
		if pods, err = s.remotePods(ctx); err != nil {
			s.record.trouble("%v", err)
			return
		}
	}
	s.record.look(pods)
}

// after is how long the scenario has lasted.
func (s *stage) after() time.Duration { return s.pace.Now().Sub(s.begin) }
