package plugin

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/accounting"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/orphans"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/quotawait"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/server"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Plugin is a plugin that offloads pods to one remote cluster.
type Plugin struct {
	cluster    *cluster.Cluster
	lifecycle  *lifecycle.Lifecycle
	orphans    *orphans.Orphans // nil if nothing searches for orphans
	waiting    *quotawait.Waiting
	accounting *accounting.Accounting
	capacity   *capacityReporter // nil if the ping reports no resources
	readiness  *readiness
	server     *server.Server
	page       *adminSource // nil if there is no page
	polls      *polls       // nil if there is no page
	// live is the configuration that has an effect now: a reload replaces it.
	live    atomic.Pointer[config.Config]
	reloads *reloads
	tracing *tracing.Tracing // nil if there are no traces
	// connection is that of the client; nil if the client is a fake.
	connection *cluster.Connection
}

// New returns a plugin. client is a client of the remote cluster; it may be a fake.
// tunnels is the result of [ConnectTunnels] or another implementation; it may be nil
// if [tcp_tunnel] is not enabled. New reads the namespace
// template and the files of rules, starts nothing and sends no request.
func New(cfg config.Config, client kubernetes.Interface, tunnels lifecycle.Tunnels, version string, log *slog.Logger) (*Plugin, error) {
	if cfg.TCPTunnel.Enabled && tunnels == nil {
		return nil, errors.New("[tcp_tunnel] enabled is true, but there is no implementation of tunnels")
	}
	remote, err := cluster.New(client, cfg.Offloading.Namespace, status.CachedFields, log)
	if err != nil {
		return nil, err
	}
	template, err := NamespaceTemplate(cfg)
	if err != nil {
		return nil, err
	}
	p := &Plugin{cluster: remote, reloads: newReloads(cfg)}
	p.live.Store(&cfg)
	if connected, ok := client.(*Client); ok {
		p.connection = connected.Connection
	}
	translateOptions, err := ReadTranslateOptions(cfg)
	if err != nil {
		return nil, err
	}
	logMesh(cfg, log)
	logMaintenance(cfg, log)
	p.waiting = quotawait.New(remote, quotawait.Options{
		Scope: translateOptions.Scope,
		Claims: func(pod *corev1.Pod) []string {
			return translate.ClaimNames(pod, p.lifecycle.Site().Translate.ClaimRules)
		},
		Accept:        cfg.Offloading.Quota == config.WaitForQuota,
		Paused:        p.waitingPaused,
		CreateTimeout: cfg.Offloading.CreateTimeout,
		Log:           log,
	})
	options := lifecycle.Options{
		Translate:         translateOptions,
		Policy:            PolicyOptions(cfg),
		Maintenance:       cfg.App.Maintenance,
		CreateTimeout:     cfg.Offloading.CreateTimeout,
		Status:            status.Options{DisruptedExitCode: int32(cfg.Offloading.DisruptedExitCode)}, // 1 to 255
		Events:            true,
		NamespaceTemplate: template,
		Tunnels:           tunnels,
		Waiting:           p.waiting,
		Log:               log,
	}
	if cfg.Offloading.OrphanGrace > 0 && remote.ListsMetadata() {
		p.orphans = newOrphans(cfg, remote, client, tunnels, log)
		options.Observer = p.orphans
	}
	if cfg.App.AdminTokenFile != "" {
		p.polls = &polls{next: options.Observer}
		options.Observer = p.polls
	}
	p.accounting = accounting.New(accountingOptions(cfg, translateOptions.Scope, remote, log))
	if p.capacity, err = newCapacityReporter(cfg, remote, template, p.accounting, log); err != nil {
		return nil, err
	}
	p.readiness = newReadiness(cfg, remote, client, template, log)
	p.lifecycle = lifecycle.New(remote, options)
	if err := remote.OnPodChange(p.podChanged, p.podGone); err != nil {
		return nil, err
	}
	var connection *cluster.Connection
	if connected, ok := client.(*Client); ok {
		connection = connected.Connection
	}
	registry, err := p.metrics(connection)
	if err != nil {
		return nil, err
	}
	app := cfg.App
	app.Version = cmp.Or(app.Version, version)
	checks := []server.Check{
		{Name: "pod-cache-synced", Check: p.cacheSynced},
		{Name: "remote-accepted", Check: p.remoteAccepted},
		{Name: "watch-fresh", Check: p.watchFresh},
	}
	verbose := append(p.readiness.checks(), p.reloadChecks()...)
	var page http.Handler
	if app.AdminTokenFile != "" {
		if page, err = p.newPage(app, registry, slices.Concat(checks, verbose), log); err != nil {
			return nil, err
		}
	}
	p.server, err = server.New(server.Options{
		App:         app,
		LogRequests: func() bool { return p.config().Log.RequestsEnabled },
		Lifecycle:   p.lifecycle,
		Originals:   p.lifecycle,
		Logger:      log,
		Ping:        p.ping,
		Ready:       checks,
		Verbose:     verbose,
		Registry:    registry,
		Admin:       page,
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// config returns the configuration that has an effect now. Nothing changes it.
func (p *Plugin) config() *config.Config { return p.live.Load() }

// waitingPaused reports whether pods that wait for a quota go on waiting.
func (p *Plugin) waitingPaused() bool { return p.config().App.Maintenance }

// podChanged passes a change of a remote pod to the parts that need it.
func (p *Plugin) podChanged(pod *corev1.Pod) {
	if p.orphans != nil {
		p.orphans.HandlePodChange(pod)
	}
	if p.page != nil {
		p.page.rows.change(pod)
	}
	p.accounting.HandlePodChange(pod)
	p.lifecycle.HandlePodChange(pod)
}

// podGone is like podChanged, for a pod that does not exist any more. See [cluster.Cluster.OnPodChange].
func (p *Plugin) podGone(pod *corev1.Pod, seen bool) {
	if p.orphans != nil {
		p.orphans.HandlePodGone(pod)
	}
	if p.page != nil {
		p.page.rows.forget(pod)
	}
	if p.polls != nil {
		p.polls.forget(pod.Labels[wire.LabelPodUID])
	}
	p.accounting.HandlePodGone(pod, seen)
	p.lifecycle.HandlePodGone(pod)
}

// Listen opens the listeners. After it returns, [Plugin.Addr] returns the address. Run
// calls Listen if the caller has not.
func (p *Plugin) Listen(ctx context.Context) error { return p.server.Listen(ctx) }

// Addr returns the address that the plugin listens on.
func (p *Plugin) Addr() net.Addr { return p.server.Addr() }

func (p *Plugin) cacheSynced(context.Context) error {
	if !p.cluster.Synced() {
		return errdefs.New(errdefs.Unavailable, "the pods of the remote cluster are not listed yet")
	}
	return nil
}

// HasProcessed reports whether the pod cache contains the remote pod of a local pod in
// this resource version, and the plugin has nothing to change in it. The resource
// version is empty if the remote pod does not exist. A simulator with a virtual clock
// needs this: it asks for a status only after the plugin has seen a change.
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

// Idle reports whether no delete is left to do in the background, apart from the objects
// of pods that are gone. A simulator needs this: it judges what is left only then.
func (p *Plugin) Idle() bool { return p.lifecycle.Idle() && p.waiting.Idle() }
