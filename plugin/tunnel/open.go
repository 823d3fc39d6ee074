package tunnel

import (
	"context"
	"errors"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// Open installs a release that connects the port of the gateway with the same port of
// the target. It does not change a release that is deployed; it replaces a release
// whose install was interrupted. The labels are set on Helm's record of the release.
// Close selects by these labels, and Open recognizes by them a record that it created
// itself; so two calls at the same time must not have the same labels.
//
// An error is of kind Invalid (the chart refuses its values, or cannot be rendered),
// Refused, NotFound (the namespace), Conflict (another replica changes the release at
// the same time) or Unavailable. A failed Open deletes what it created. If that fails
// too, a record remains, so that Close or another Open can finish it.
func (t *Tunnels) Open(ctx context.Context, name string, labels map[string]string, port int32, target string) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := t.install(ctx, name, labels, port, target); err != nil {
		return t.wrap(err, "install", name)
	}
	// Helm cannot be interrupted. If ctx has ended, the release is complete, and the
	// caller can close it.
	return context.Cause(ctx)
}

func (t *Tunnels) install(ctx context.Context, name string, labels map[string]string, port int32, target string) error {
	config := t.configuration(ctx)
	switch found, err := t.lastRecord(ctx, config, name); {
	case err != nil:
		return err
	case found != nil && found.Info.Status == release.StatusDeployed:
		return nil
	case found != nil:
		// A process stopped during the install, or a rollback failed. If another
		// replica is still installing the release, its next write to the record fails.
		if err := t.uninstall(ctx, config, name); err != nil {
			return err
		}
	}
	chart, err := loader.LoadFiles(t.chart)
	if err != nil {
		return err
	}
	config = t.configuration(ctx)
	install := action.NewInstall(&config.Configuration)
	install.ReleaseName, install.Namespace = name, t.options.BastionNamespace
	install.Labels = labels
	install.Timeout = hookTimeout
	install.DisableOpenAPIValidation = true // the API server validates the objects anyway
	var installed *release.Release
	err = t.traced(ctx, config, opInstall, name, func() (err error) {
		if installed, err = install.Run(chart, t.values(labels, port, target)); err != nil {
			return err
		}
		return config.records.failed // the record does not say that the release is deployed
	})
	if err != nil {
		return t.rollback(ctx, config, name, installed, labels, err)
	}
	t.cluster.cacheCapabilities(config.Capabilities)
	return nil
}

// rollback deletes what a failed install created, and returns the reason of the
// failure. It keeps a release that another replica has installed since, because its
// objects have the same names.
func (t *Tunnels) rollback(ctx context.Context, install *configuration, name string, installed *release.Release, labels map[string]string, reason error) error {
	if !install.records.createTried { // the record is created before all objects
		return reason
	}
	config := t.configuration(ctx)
	found, err := t.lastRecord(ctx, config, name)
	switch {
	case err != nil:
		return errors.Join(reason, err)
	case found == nil && !install.records.created:
		return reason
	case found == nil:
		// Another replica uninstalled the release while this one was creating its
		// objects. Without a record these objects could not be found again.
		reason = overtaken(reason)
		installed.SetStatus(release.StatusFailed, "overtaken by an uninstall")
		if err := config.Releases.Create(installed); err != nil {
			return errors.Join(reason, err)
		}
	case !hasLabels(found.Labels, labels):
		return overtaken(reason)
	}
	return errors.Join(reason, t.uninstall(ctx, config, name))
}

// overtaken returns errOvertaken with the error that it caused.
func overtaken(err error) error { return fmt.Errorf("%w: %w", errOvertaken, err) }

// lastRecord returns the newest record of a release, or nil if there is none.
func (t *Tunnels) lastRecord(ctx context.Context, config *configuration, name string) (last *release.Release, err error) {
	err = t.traced(ctx, config, opHistory, name, func() error {
		history, err := config.Releases.History(name)
		if errors.Is(err, driver.ErrReleaseNotFound) || err == nil && len(history) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		releaseutil.SortByRevision(history)
		last = history[len(history)-1]
		return nil
	})
	return last, err
}

// hasLabels reports whether all has every label of wanted with the same value.
func hasLabels(all, wanted map[string]string) bool {
	for name, value := range wanted {
		if all[name] != value {
			return false
		}
	}
	return true
}
