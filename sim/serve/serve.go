package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakehelm"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Options of a plugin with a simulated cluster behind it.
type Options struct {
	// Config is the plugin's, with the address where it listens.
	Config config.Config
	// Scenarios say what pods of their pods' names do. Any other starts its
	// containers after a second, and ends them after another.
	Scenarios []*scenario.File
	// Speed is how many times as fast as on the clock the nodes live; the default is 1.
	Speed   float64
	Version string
	Log     *slog.Logger
	// Listening, if it is there, is told the address once connections are accepted.
	Listening func(net.Addr)
}

// Run serves until ctx is done. What the pods of the cluster were is gone then.
func Run(ctx context.Context, options Options) error {
	if options.Speed == 0 {
		options.Speed = 1
	}
	if options.Speed < 0 {
		return errors.New("speed must be more than 0")
	}
	behaviours, err := behavioursOf(options.Scenarios)
	if err != nil {
		return err
	}
	clock := node.ScaledClock(options.Speed)
	logs := node.NewLogs(clock)
	client := fakecluster.New(fakecluster.Options{Now: clock.Now, Logs: logs.Open}).Client()
	nodes := node.New(node.Options{
		Client: client, Clock: clock, Logs: logs, Log: options.Log,
		Behaviour: func(pod *corev1.Pod) (scenario.Pod, bool) {
			return behaviours[source{pod.Annotations[wire.AnnotationSourceNamespace], pod.Annotations[wire.AnnotationSourceName]}], true
		},
	})
	var exposed lifecycle.Tunnels
	if t := options.Config.TCPTunnel; t.Enabled {
		exposed = fakehelm.New(client, t.BastionNamespace)
	}
	p, err := plugin.New(options.Config, client, exposed, options.Version, options.Log)
	if err != nil {
		return err
	}
	if err := p.Listen(ctx); err != nil {
		return err
	}
	if options.Listening != nil {
		options.Listening(p.Addr())
	}
	playing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var failed error
	var play sync.WaitGroup
	play.Go(func() { failed = nodes.Run(playing) })
	err = p.Run(ctx)
	stop()
	play.Wait()
	return errors.Join(err, failed)
}

// source is a local pod.
type source struct{ namespace, name string }

// behavioursOf are those of all scenarios; no two may say something of one pod.
func behavioursOf(files []*scenario.File) (map[source]scenario.Pod, error) {
	behaviours, from := map[source]scenario.Pod{}, map[source]string{}
	for _, file := range files {
		for key, behaviour := range file.Nodes {
			pod := file.Pod(key)
			at := source{pod.Namespace, pod.Name}
			if other, there := from[at]; there {
				return nil, fmt.Errorf("%s and %s both say what pod %s/%s does", other, file.Path, at.namespace, at.name)
			}
			behaviours[at], from[at] = behaviour, file.Path
		}
	}
	return behaviours, nil
}
