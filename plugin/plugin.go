package plugin

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/server"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// Plugin is one plugin in front of one remote cluster.
type Plugin struct {
	cluster   *cluster.Cluster
	lifecycle *lifecycle.Lifecycle
	server    *server.Server
	config    config.Config
}

// New composes a plugin on a client of the remote cluster, which may be a fake, and
// on what [ConnectTunnels] returns, or its like; it may be nil where [tcp_tunnel]
// is not enabled. Nothing runs and nobody is talked to before [Plugin.Run].
func New(cfg config.Config, client kubernetes.Interface, tunnels lifecycle.Tunnels, version string, log *slog.Logger) (*Plugin, error) {
	if cfg.TCPTunnel.Enabled && tunnels == nil {
		return nil, errors.New("[tcp_tunnel] enabled is set, and nothing is there to make tunnels")
	}
	remote, err := cluster.New(client, cfg.Offloading.Namespace, log)
	if err != nil {
		return nil, err
	}
	p := &Plugin{cluster: remote, config: cfg}
	p.lifecycle = lifecycle.New(remote, lifecycle.Options{
		Translate:     Translation(cfg),
		CreateTimeout: cfg.Offloading.CreateTimeout,
		Tunnels:       tunnels,
		Log:           log,
	})
	if err := remote.OnPodChange(p.lifecycle.HandlePodChange); err != nil {
		return nil, err
	}
	app := cfg.App
	app.Version = cmp.Or(app.Version, version)
	p.server, err = server.New(server.Options{
		App:         app,
		LogRequests: cfg.Log.RequestsEnabled,
		Lifecycle:   p.lifecycle,
		Logger:      log,
		Ready:       []server.Check{{Name: "pod-cache-synced", Check: p.cacheSynced}},
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Listen starts to accept connections, so that [Plugin.Addr] is known; Run does
// it if it was not done.
func (p *Plugin) Listen(ctx context.Context) error { return p.server.Listen(ctx) }

// Addr returns the address that the plugin listens on.
func (p *Plugin) Addr() net.Addr { return p.server.Addr() }

// Run serves until ctx is done, then ends in order: no new requests, those in
// flight, deletes that are still being retried, the pod cache. It answers while
// the cache is still being filled and while the remote cluster cannot be reached.
func (p *Plugin) Run(ctx context.Context) error {
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	var watch sync.WaitGroup
	watch.Go(func() { p.cluster.Run(watching) })
	defer func() { stopWatching(); watch.Wait() }()

	if p.server.Addr() == nil {
		if err := p.server.Listen(ctx); err != nil {
			return err
		}
	}
	// One grace for all: what the requests in flight leave of it is the deletes'.
	closing, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	context.AfterFunc(ctx, func() { time.AfterFunc(p.config.App.ShutdownGrace, done) })
	err := p.server.Serve(ctx)
	if ctx.Err() == nil {
		done() // it failed by itself
	}
	p.lifecycle.Close(closing)
	return err
}

func (p *Plugin) cacheSynced(context.Context) error {
	if !p.cluster.Synced() {
		return errdefs.New(errdefs.Unavailable, "the remote cluster's pods have not been listed yet")
	}
	return nil
}

// HasProcessed says whether the plugin's pod cache is filled and shows the remote pod of
// a local one in this resource version, of which the plugin need not change
// anything; "" means that it shows none. It is for
// who must not ask for a status before the watch has told of a change, as a
// simulator that makes minutes pass in no time.
func (p *Plugin) HasProcessed(uid, resourceVersion string) bool {
	if !p.cluster.Synced() {
		return false
	}
	pod := p.cluster.CachedPod(uid)
	if pod == nil {
		return resourceVersion == ""
	}
	return pod.ResourceVersion == resourceVersion && mesh.RequiredAction(pod) == mesh.NoAction
}

// Translation returns the options of package translate.
func Translation(cfg config.Config) translate.Options {
	return translate.Options{
		Scope: scope.Scope{
			Prefix:     cfg.Offloading.NamespacePrefix,
			Exclusions: cfg.Offloading.NamespacePrefixExclusions,
			Namespace:  cfg.Offloading.Namespace,
			Instance:   cfg.App.Instance,
		},
		Offloading: cfg.Offloading,
		Mesh:       cfg.Mesh,
		Tunnels:    cfg.TCPTunnel.Enabled,
	}
}
