package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakehelm"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Options configure a plugin with a simulated remote cluster.
type Options struct {
	// Config is the plugin's configuration; it contains the address to listen on.
	Config config.Config
	// Scenarios say what the remote pods of their pods do: a request's pod and a
	// scenario's pod match if namespace and name are equal. Any other pod starts its
	// containers after one second and ends them one second later.
	Scenarios []*scenario.File
	// Speed is how many times as fast as real time the nodes run; the default is 1.
	Speed float64
	// Version is the version that the plugin reports.
	Version string
	// Log is the logger of the plugin and of the nodes.
	Log *slog.Logger
	// Listening is called with the address once the plugin accepts connections; it may
	// be nil.
	Listening func(net.Addr)
}

// Run serves requests until ctx is done. Then the cluster and its pods no longer exist.
func Run(ctx context.Context, options Options) error {
	if options.Speed == 0 {
		options.Speed = 1
	}
	if options.Speed < 0 {
		return errors.New("speed must be greater than 0")
	}
	behaviors, err := podBehaviors(options.Scenarios)
	if err != nil {
		return err
	}
	clock := node.ScaledClock(options.Speed)
	logs := node.NewLogs(clock)
	client := fakecluster.New(fakecluster.Options{Now: clock.Now, Logs: logs.Open}).Client()
	nodes := node.New(node.Options{
		Client: client, Clock: clock, Logs: logs, Log: options.Log,
		Behavior: func(pod *corev1.Pod) (scenario.Pod, bool) {
			localPod := types.NamespacedName{Namespace: pod.Annotations[wire.AnnotationSourceNamespace], Name: pod.Annotations[wire.AnnotationSourceName]}
			return behaviors[localPod], true
		},
	})
	var tunnels lifecycle.Tunnels
	if t := options.Config.TCPTunnel; t.Enabled {
		tunnels = fakehelm.New(client, t.BastionNamespace)
	}
	p, err := plugin.New(options.Config, client, tunnels, options.Version, options.Log)
	if err != nil {
		return err
	}
	if err := p.Listen(ctx); err != nil {
		return err
	}
	if options.Listening != nil {
		options.Listening(p.Addr())
	}
	// The nodes run until the plugin has shut down: its last requests need them.
	nodesCtx, stopNodes := context.WithCancel(context.WithoutCancel(ctx))
	var nodesErr error
	var running sync.WaitGroup
	running.Go(func() { nodesErr = nodes.Run(nodesCtx) })
	err = p.Run(ctx)
	stopNodes()
	running.Wait()
	return errors.Join(err, nodesErr)
}

// podBehaviors returns the behaviors of all scenarios by local pod. Two scenarios
// must not define the same pod.
func podBehaviors(files []*scenario.File) (map[types.NamespacedName]scenario.Pod, error) {
	behaviors, paths := map[types.NamespacedName]scenario.Pod{}, map[types.NamespacedName]string{}
	for _, file := range files {
		for key, behavior := range file.Nodes {
			pod := file.Pod(key)
			localPod := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
			if path, exists := paths[localPod]; exists {
				return nil, fmt.Errorf("%s and %s both define the behavior of pod %s", path, file.Path, localPod)
			}
			behaviors[localPod], paths[localPod] = behavior, file.Path
		}
	}
	return behaviors, nil
}
