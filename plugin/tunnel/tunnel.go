package tunnel

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"helm.sh/helm/v3/pkg/storage/driver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

// hookTime bounds a hook of a chart that has some.
const hookTime = time.Minute

// Options say where the gateway is and what leads to it.
type Options struct {
	// BastionNamespace is where the releases are. It must be there.
	BastionNamespace string
	// ChartPath is a folder or an archive; empty for the chart that ships with the
	// plugin.
	ChartPath   string
	GatewayHost string
	GatewayPort int
	GatewayUser string
	// HostKey is the gateway's public key; empty to take the first that it shows.
	HostKey string
	// PrivateKey is in PEM.
	PrivateKey string
	// Image with a tag or digest; empty for the chart's.
	Image string
	Log   *slog.Logger
}

// Tunnels opens and closes tunnels. Its methods are safe for concurrent use.
type Tunnels struct {
	options Options
	cluster *cluster
	secret  secret
}

// New reads the chart and talks to nobody.
func New(config *rest.Config, options Options) (*Tunnels, error) {
	if _, err := loadChart(options.ChartPath); err != nil {
		return nil, err
	}
	c, err := newCluster(config, options.BastionNamespace)
	if err != nil {
		return nil, fmt.Errorf("make clients for Helm: %w", err)
	}
	return &Tunnels{options: options, cluster: c, secret: newSecret(options.PrivateKey)}, nil
}

// Namespace returns the namespace of the bastions.
func (t *Tunnels) Namespace() string { return t.options.BastionNamespace }

// Open makes sure that a release is there that leads the gateway's port of that
// number to the target's. One that stands is left as it is; one that is half made
// is made anew. The labels are those of Helm's record, by which Close finds it. An
// error is of kind Invalid (the chart refuses its values, or cannot be rendered),
// Refused, NotFound (the namespace), Conflict (somebody else is at it) or
// Unavailable. Nothing is left of a release that could not be made, but for a
// record where that could not be taken away either.
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
	history, err := config.Releases.History(name)
	switch {
	case errors.Is(err, driver.ErrReleaseNotFound), err == nil && len(history) == 0:
	case err != nil:
		return err
	default:
		releaseutil.SortByRevision(history)
		if history[len(history)-1].Info.Status == release.StatusDeployed {
			return nil
		}
		// Of a process that was stopped, or of a try that could not be undone.
		if err := uninstall(config, name); err != nil {
			return err
		}
	}
	chart, err := loadChart(t.options.ChartPath)
	if err != nil {
		return err
	}
	install := action.NewInstall(config)
	install.ReleaseName, install.Namespace = name, t.options.BastionNamespace
	install.Labels = labels
	install.Timeout = hookTime
	install.DisableOpenAPIValidation = true // the API server looks at the objects anyway
	if _, err = install.Run(chart, t.values(labels, port, target)); err != nil {
		return errors.Join(err, uninstall(config, name))
	}
	t.cluster.remember(config.Capabilities)
	return nil
}

// values are those of the bastion's chart.
func (t *Tunnels) values(labels map[string]string, port int32, target string) map[string]any {
	o := t.options
	ssh := map[string]any{
		"port": o.GatewayPort,
		// The Python plugin's chart puts it into a Secret as it comes.
		"privateKey": base64.StdEncoding.EncodeToString([]byte(o.PrivateKey)),
	}
	if o.GatewayUser != "" {
		ssh["userName"] = o.GatewayUser
	}
	if o.HostKey != "" {
		ssh["hostKey"] = o.HostKey
	}
	common := map[string]any{}
	for name, value := range labels {
		if name != scope.LabelAttempt {
			common[name] = value
		}
	}
	values := map[string]any{
		"commonLabels": common,
		"tunnel": map[string]any{
			"gateway": map[string]any{"host": o.GatewayHost, "ssh": ssh},
			"service": map[string]any{"gatewayPort": port, "targetHost": target, "targetPort": port},
		},
	}
	if o.Image != "" {
		repository, tag, digest := strings.Cut(o.Image, "@")
		if !digest {
			colon := strings.LastIndex(o.Image, ":")
			repository, tag = o.Image[:colon], o.Image[colon+1:]
		}
		values["image"] = map[string]any{"repository": repository, "tag": tag}
	}
	return values
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
// error.
func uninstall(config *action.Configuration, name string) error {
	run := action.NewUninstall(config)
	run.Timeout = hookTime
	_, err := run.Run(name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil
	}
	return err
}
