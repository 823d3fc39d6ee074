package plugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/server"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The times of the checks in the background: how often they run, also after a failure, and how long a run may take.
const (
	rightsEvery, rightsAgain, rightsTimeout = 10 * time.Minute, time.Minute, time.Minute
	releasesEvery, releasesTimeout          = 30 * time.Second, 20 * time.Second
)

// readiness has the checks that only readyz?verbose shows. They run in the background: a request of
// readyz needs no password, so it reads their last results and sends no remote call.
type readiness struct {
	cluster  *cluster.Cluster
	reviewer cluster.Reviewer
	required []cluster.Permission
	// bastions is the namespace of the bastions; releases selects Helm's records of this installation in it.
	bastions, releases string
	log                *slog.Logger

	background []*backgroundCheck
	// known says whether the client has a connection: a fake has neither credentials nor rights.
	known   bool
	counted atomic.Int64 // the releases
	logged  string       // the rights that the log last said are missing; only the loop uses it
}

// newReadiness starts nothing.
func newReadiness(cfg config.Config, remote *cluster.Cluster, client kubernetes.Interface, template *nstemplate.Template, log *slog.Logger) *readiness {
	r := &readiness{cluster: remote, reviewer: cluster.NewReviewer(client), bastions: cfg.TCPTunnel.BastionNamespace, log: log}
	r.releases = "owner=helm," + wire.LabelTunnelUID + "," + wire.LabelInstance + "=" + cfg.App.Instance
	if _, r.known = client.(*Client); !r.known {
		return r
	}
	for _, permission := range RequiredPermissions(cfg, template) {
		if !permission.Optional {
			r.required = append(r.required, permission)
		}
	}
	r.background = append(r.background, &backgroundCheck{name: "rights", check: r.rights, every: rightsEvery, again: rightsAgain, timeout: rightsTimeout})
	if cfg.TCPTunnel.Enabled {
		r.background = append(r.background, &backgroundCheck{name: "tunnel-releases", check: r.countReleases, every: releasesEvery, again: releasesEvery, timeout: releasesTimeout})
	}
	return r
}

// run runs the checks until ctx is done.
func (r *readiness) run(ctx context.Context) {
	var checks sync.WaitGroup
	for _, check := range r.background {
		checks.Go(func() { check.run(ctx) })
	}
	checks.Wait()
}

// checks returns the checks for readyz?verbose. They send no remote call.
func (r *readiness) checks() []server.Check {
	if !r.known {
		return nil
	}
	checks := []server.Check{{Name: "credentials", Check: func(context.Context) error { return readable(r.cluster.Credentials()) }}}
	for _, check := range r.background {
		checks = append(checks, server.Check{Name: check.name, Check: func(context.Context) error { return check.result() }})
	}
	return checks
}

// register registers the number of releases.
func (r *readiness) register(registry *prometheus.Registry) error {
	return registerGauge(registry, "tunnel_releases", "Number of Helm releases of TCP tunnels of this installation, as last counted. Every replica counts all of them. 0 if TCP ports are not exposed.",
		func() float64 { return float64(r.counted.Load()) })
}

// readable returns why the newest credentials are not used, without the text of the failure: it may
// quote a file of credentials, and readyz needs no password.
func readable(c cluster.Credentials) error {
	if c.Failure == "" {
		return nil
	}
	return fmt.Errorf("the newest cannot be read, the last that could be are of %s; the log says why", c.Read.UTC().Format(time.RFC3339))
}

// rights asks for every permission that the plugin cannot work without.
func (r *readiness) rights(ctx context.Context) error {
	var missing []string
	for _, permission := range r.required {
		allowed, _, err := r.reviewer.Allowed(ctx, permission)
		if err != nil {
			return err
		}
		if !allowed {
			where := "in all namespaces"
			if permission.Namespace != "" {
				where = "in namespace " + permission.Namespace
			}
			missing = append(missing, permission.String()+" "+where)
		}
	}
	text := strings.Join(missing, ", ")
	if text != r.logged && text != "" {
		r.log.Warn("permissions are missing in the remote cluster", "missing", text)
	} else if text != r.logged {
		r.log.Info("no permission is missing in the remote cluster any more")
	}
	if r.logged = text; text != "" {
		return errdefs.New(errdefs.Refused, "permissions missing: %s", text)
	}
	return nil
}

// countReleases counts the Helm releases of this installation. A release has one record or several.
func (r *readiness) countReleases(ctx context.Context) error {
	names := map[string]struct{}{}
	err := r.cluster.EachMetadata(ctx, "secrets", r.bastions, r.releases, func(record *metav1.ObjectMeta) error {
		names[record.Labels["name"]] = struct{}{}
		return nil
	})
	if err == nil {
		r.counted.Store(int64(len(names)))
	}
	return err
}

// errNotChecked is the result of a check that has not ended once.
var errNotChecked = errors.New("not checked yet")

// backgroundCheck is a check that runs again and again.
type backgroundCheck struct {
	name  string
	check func(context.Context) error
	// every is the time from the end of a run to the next one, and again that after a failure.
	every, again time.Duration
	timeout      time.Duration
	last         atomic.Pointer[error]
}

// result returns what the last run that ended has found.
func (c *backgroundCheck) result() error {
	if last := c.last.Load(); last != nil {
		return *last
	}
	return errNotChecked
}

// run runs the check until ctx is done. A run that this interrupts has no result.
func (c *backgroundCheck) run(ctx context.Context) {
	for {
		wait := c.every
		err := c.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if c.last.Store(&err); err != nil {
			wait = c.again
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (c *backgroundCheck) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.check(ctx)
}
