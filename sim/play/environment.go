package play

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// environment is what one scenario is played in: the local cluster, the plugin, the
// remote cluster and the clock.
type environment struct {
	file      *scenario.File
	options   Options
	pods      []*corev1.Pod          // the manifests, with UIDs
	keys      map[types.UID]string   // by UID, the name that the scenario uses for a pod
	again     map[string]*corev1.Pod // by the same name, the pods that a step creates again
	localPods inspect.LocalPods
	probes    map[string]map[string]probe // by pod and container

	address string // of the plugin, or of what is in front of it
	kubelet *virtualkubelet.Kubelet
	plugin  *plugin.Plugin // nil if it runs elsewhere
	// startAgain starts the plugin after stopPlugin has stopped it; nil if it runs elsewhere.
	startAgain func(context.Context) error
	stopPlugin func()
	// processed reports whether the plugin has processed a version of the remote pod of
	// a UID; nil if that is not known.
	processed func(uid, resourceVersion string) bool
	remote    kubernetes.Interface // nil if the remote cluster is not observed
	scope     scope.Scope          // knows the remote namespaces
	nodes     *node.Nodes          // nil if they are not simulated
	clock     clock
	started   time.Time
	running   runningPods
	// foreignClaims were in the remote namespaces before the scenario.
	foreignClaims claimSet
	// runtimeClasses are those that the scenario has created.
	runtimeClasses []nodev1.RuntimeClass
	// remoteNode is the node that the scenario has created; nil if there is none.
	remoteNode *corev1.Node
	recorder   *recorder
	// slowCreates delays what the plugin creates; nil if nothing is delayed.
	slowCreates *slowCreates
	absences    absences
	collections collections
	unanswered  unanswered

	closers []func() // called in reverse order
}

// close stops everything that was started for the scenario.
func (e *environment) close() {
	for _, closer := range slices.Backward(e.closers) {
		closer()
	}
	e.closers = nil
}

// runInBackground calls run, and stops it when the environment is closed: it must
// outlive a scenario that times out, for the clean-up.
func (e *environment) runInBackground(ctx context.Context, run func(context.Context)) {
	e.closers = append(e.closers, inBackground(ctx, run))
}

// inBackground calls run, and returns what stops it.
func inBackground(ctx context.Context, run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { run(ctx) })
	return func() { cancel(); running.Wait() }
}

func (e *environment) uids() []types.UID {
	return slices.Sorted(maps.Keys(e.keys))
}

// key returns the name that the scenario uses for the local pod of a remote object,
// and whether the object belongs to one of the scenario's pods.
func (e *environment) key(object metav1.Object) (string, bool) {
	uid, ours := e.localPods.UIDOf(object)
	return e.keys[uid], ours
}

// claimNamespaces returns the remote namespaces of the scenario's pods; none if the
// scenario does not count claims.
func (e *environment) claimNamespaces() []string {
	if !countsClaims(e.file) {
		return nil
	}
	return e.remoteNamespaces()
}

// remoteNamespaces returns the remote namespaces of the scenario's pods.
func (e *environment) remoteNamespaces() []string {
	var namespaces []string
	for _, pod := range e.pods {
		namespaces = append(namespaces, e.scope.RemoteNamespace(pod.Namespace))
	}
	slices.Sort(namespaces)
	return slices.Compact(namespaces)
}

// snapshot returns what the remote cluster holds for the scenario's pods, and all
// claims of their namespaces.
func (e *environment) snapshot(ctx context.Context) (*inspect.Snapshot, error) {
	return inspect.TakeSnapshot(ctx, e.remote, e.uids(), e.claimNamespaces())
}

// remotePods returns the remote pods of the scenario. The pods of a tunnel, which
// carry the same UIDs, are left out.
func (e *environment) remotePods(ctx context.Context) ([]corev1.Pod, error) {
	options := metav1.ListOptions{}
	if e.nodes != nil {
		options.LabelSelector = e.options.NodeSelector // simulated nodes see no others
	}
	list, err := e.remote.CoreV1().Pods("").List(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("list remote pods: %w", err)
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool {
		_, ours := e.key(&pod)
		return !ours || inspect.IsTunnel(&pod)
	}), nil
}

// remotePod returns the remote pod of a local one.
func (e *environment) remotePod(ctx context.Context, key string) (*corev1.Pod, error) {
	pods, err := e.remotePods(ctx)
	if err != nil {
		return nil, err
	}
	for i := range pods {
		if found, ours := e.key(&pods[i]); ours && found == key {
			return &pods[i], nil
		}
	}
	return nil, &noRemotePod{key}
}

// noRemotePod is the error of a local pod without a remote pod.
type noRemotePod struct{ key string }

func (n *noRemotePod) Error() string { return fmt.Sprintf("pod %s has no remote pod", n.key) }

// observe records what both clusters show now.
func (e *environment) observe(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	var pods []corev1.Pod
	if e.remote != nil {
		var err error
		if pods, err = e.remotePods(ctx); err != nil {
			e.recorder.violation("", "%v", err)
			return
		}
	}
	e.running.observe(e, pods)
	e.recordPods(pods)
}

// recordPods records what the local cluster shows now, and these remote pods.
func (e *environment) recordPods(remotePods []corev1.Pod) {
	if e.kubelet == nil || e.started.IsZero() {
		return
	}
	remote := map[string]*corev1.Pod{}
	for i := range remotePods {
		// Of a pod that was created again, the first remote pod can still end.
		if key, ours := e.key(&remotePods[i]); ours && (remote[key] == nil || remotePods[i].DeletionTimestamp == nil) {
			remote[key] = &remotePods[i]
		}
	}
	e.recorder.pods(e.elapsed(), e.kubelet.Pod, remote)
}

// elapsed is how long the scenario has been played, by its own clock.
func (e *environment) elapsed() time.Duration { return e.clock.Now().Sub(e.started) }
