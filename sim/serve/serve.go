package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
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
	// scenario's pod match if namespace and name are equal; of several such pods, the one
	// matches best that has the same containers. Any other pod starts its containers after
	// one second and ends them one second later.
	Scenarios []*scenario.File
	// Skipped is called with each scenario that has a pod of another one, so
	// that its nodes cannot do both; the default writes it to the log.
	Skipped func(file *scenario.File, reason string)
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

// skip tells that a scenario is not served.
func (o Options) skip(file *scenario.File, reason string) {
	if o.Skipped != nil {
		o.Skipped(file, reason)
		return
	}
	o.Log.Info("scenario is not served", "scenario", file.Path, "reason", reason)
}

// Run serves requests until ctx is done. Then the cluster and its pods no longer exist.
func Run(ctx context.Context, options Options) error {
	if options.Speed == 0 {
		options.Speed = 1
	}
	if options.Speed < 0 {
		return errors.New("speed must be greater than 0")
	}
	behaviors := newBehaviors(options.Scenarios, options.skip)
	clock := node.ScaledClock(options.Speed)
	logs := node.NewLogs(clock)
	client := fakecluster.New(fakecluster.Options{Now: clock.Now, Logs: logs.Open}).Client()
	nodes := node.New(node.Options{
		Client: client, Clock: clock, Logs: logs, Log: options.Log,
		Behavior: func(pod *corev1.Pod) (scenario.Pod, bool) {
			return behaviors.of(pod), true
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
