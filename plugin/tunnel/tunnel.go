package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"helm.sh/helm/v3/pkg/storage/driver"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// hookTime bounds a hook of a chart that has some.
const hookTime = time.Minute

// Options are the options of section [tcp_tunnel], and the log.
type Options struct {
	config.TCPTunnel
	Log *slog.Logger
}

// Tunnels opens and closes tunnels. Its methods are safe for concurrent use, and
// other replicas may work at the same releases.
type Tunnels struct {
	options Options
	cluster *cluster
	chart   []*loader.BufferedFile
	secret  secret
}

// New reads the chart and talks to nobody. An error names the chart's path.
func New(config *rest.Config, options Options) (*Tunnels, error) {
	t := &Tunnels{options: options, secret: newSecret(options.GatewaySSHPrivateKey.Reveal())}
	var err error
	if t.chart, err = readChart(options.BastionChartPath); err != nil {
		return nil, err
	}
	if options.GatewaySSHHostKey != "" {
		switch pinned, err := pins(t.chart); {
		case err != nil:
			return nil, fmt.Errorf("read the bastion's chart at %s: %w", options.BastionChartPath, err)
		case !pinned:
			return nil, fmt.Errorf("the bastion's chart at %s has no value tunnel.gateway.ssh.hostKey: it would not look at the gateway's host key", options.BastionChartPath)
		}
	}
	if t.cluster, err = newCluster(config, options.BastionNamespace, warnings{t}); err != nil {
		return nil, fmt.Errorf("make clients for Helm: %w", err)
	}
	return t, nil
}

// Namespace returns the namespace of the bastions.
func (t *Tunnels) Namespace() string { return t.options.BastionNamespace }

// Open makes sure that a release is there that leads the gateway's port of that
// number to the target's. One that stands is left as it is; one that is half made
// is made anew. The labels are those of Helm's record, by which Close finds it, and
// by which Open knows a record that it made itself: no two calls at the same time
// may have the same. An error is of kind Invalid (the chart refuses its values, or
// cannot be rendered), Refused, NotFound (the namespace), Conflict (another replica
// is at it) or Unavailable. Nothing is left of a release that could not be made, but
// for a record where that could not be taken away either.
func (t *Tunnels) Open(ctx context.Context, name string, labels map[string]string, port int32, target string) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := t.open(name, labels, port, target); err != nil {
		return t.failed(err, "install", name)
	}
	// Helm cannot be stopped halfway; its work is whole now, and may be undone.
	return context.Cause(ctx)
}

func (t *Tunnels) open(name string, labels map[string]string, port int32, target string) error {
	config := t.configuration()
	switch found, err := last(config, name); {
	case err != nil:
		return err
	case found != nil && found.Info.Status == release.StatusDeployed:
		return nil
	case found != nil:
		// Of a process that was stopped, or of a try that could not be undone. If it
		// is of another replica that is still at it, that one will notice.
		if err := uninstall(config, name); err != nil {
			return err
		}
	}
	chart, err := loader.LoadFiles(t.chart)
	if err != nil {
		return err
	}
	config = t.configuration()
	install := action.NewInstall(&config.Configuration)
	install.ReleaseName, install.Namespace = name, t.options.BastionNamespace
	install.Labels = labels
	install.Timeout = hookTime
	install.DisableOpenAPIValidation = true // the API server looks at the objects anyway
	made, err := install.Run(chart, t.values(labels, port, target))
	if err == nil {
		err = config.records.failed // for all others, the release is half made
	}
	if err != nil {
		return t.undo(config, name, made, labels, err)
	}
	t.cluster.remember(config.Capabilities)
	return nil
}

// undo takes away what a failed install made, and returns why it failed. A release
// that another replica has made meanwhile has objects of the same names: it is left
// alone.
func (t *Tunnels) undo(install *configuration, name string, made *release.Release, labels map[string]string, why error) error {
	if !install.records.tried { // the record is made before all objects
		return why
	}
	config := t.configuration()
	found, err := last(config, name)
	switch {
	case err != nil:
		return errors.Join(why, err)
	case found == nil && !install.records.made:
		return why
	case found == nil:
		// Another replica took it away while objects were still being made: of
		// these only a record tells, for us and for who comes after us.
		why = fmt.Errorf("%w: %w", errOvertaken, why)
		made.SetStatus(release.StatusFailed, "overtaken by an uninstall")
		if err := config.Releases.Create(made); err != nil {
			return errors.Join(why, err)
		}
	case !includes(found.Labels, labels):
		return fmt.Errorf("%w: %w", errOvertaken, why)
	}
	return errors.Join(why, uninstall(config, name))
}

// last returns the record of a release, or nil without one.
func last(config *configuration, name string) (*release.Release, error) {
	history, err := config.Releases.History(name)
	if errors.Is(err, driver.ErrReleaseNotFound) || err == nil && len(history) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	releaseutil.SortByRevision(history)
	return history[len(history)-1], nil
}

func includes(all, some map[string]string) bool {
	for name, value := range some {
		if all[name] != value {
			return false
		}
	}
	return true
}

// Close takes away the releases whose record's labels a selector selects; none is
// no error. What cannot be taken away now keeps its record, for another try.
func (t *Tunnels) Close(ctx context.Context, selector string) error {
	records, err := t.cluster.client.CoreV1().Secrets(t.options.BastionNamespace).List(ctx, metav1.ListOptions{LabelSelector: "owner=helm," + selector})
	if err != nil {
		return t.failed(err, "find", "releases of "+selector)
	}
	names := map[string]struct{}{}
	for i := range records.Items {
		names[records.Items[i].Labels["name"]] = struct{}{}
	}
	var failures []error
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if err := context.Cause(ctx); err != nil {
			return errors.Join(append(failures, err)...)
		}
		if err := uninstall(t.configuration(), name); err != nil {
			failures = append(failures, t.failed(err, "uninstall", name))
		}
	}
	return errors.Join(failures...)
}

// uninstall takes a release away, and its record last; one that is not there is no
// error, nor one that somebody else takes away. One that was changed since config
// first saw it is left alone, and the error is a conflict.
func uninstall(config *configuration, name string) error {
	run := action.NewUninstall(&config.Configuration)
	run.Timeout = hookTime
	_, err := run.Run(name)
	if err == nil || errors.Is(err, driver.ErrReleaseNotFound) || apierrors.IsNotFound(config.records.failed) {
		return nil
	}
	// Helm's own words hide what it was.
	if cause := errors.Join(config.records.failed, config.objects.failed); cause != nil {
		return cause
	}
	return err
}
