package tunnel

import (
	"errors"
	"fmt"
	"strings"

	"helm.sh/helm/v3/pkg/storage/driver"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
)

// wrap adds the operation and the release to err, and the kind of the failure. It
// removes the private key, which an API server or a chart may quote.
func (t *Tunnels) wrap(err error, verb, release string) error {
	text := t.secret.redact(fmt.Sprintf("%s %s in namespace %s: %v", verb, release, t.options.BastionNamespace, err))
	kind := kindOf(err)
	if kind == errdefs.Invalid && t.options.BastionChartPath != "" {
		text += " (the chart is " + t.options.BastionChartPath + ")"
	}
	return errdefs.New(kind, "%s", text)
}

var (
	// errOvertaken says that another replica changed a release first.
	errOvertaken = errdefs.New(errdefs.Conflict, "another replica changes the release at the same time")
	// errLeftOver says that objects of a release exist, without a record, that differ
	// from those of the chart. The rollback deletes them, so a retry succeeds.
	errLeftOver = errdefs.New(errdefs.Unavailable, "objects of an earlier release exist")
)

// kindOf returns the kind of an error of Helm. The rules for errors of the API server
// are those of errdefs/kube; kindOf adds only what Helm reports in its own words.
// During an install, Helm wraps the errors of the API server. In other cases it only
// quotes them, and helm.go and records.go keep the errors themselves; they cannot do
// that for the hooks of a chart.
func kindOf(err error) errdefs.Kind {
	text := err.Error()
	if errors.Is(err, driver.ErrReleaseExists) || strings.Contains(text, "cannot re-use a name that is still in use") {
		return errdefs.Conflict
	}
	switch kind := kube.Kind(err); kind {
	case errdefs.Exists:
		return errdefs.Conflict // another replica created the object
	case errdefs.Internal:
	default:
		return kind
	}
	for _, transient := range []string{
		"failed to delete release", "uninstallation completed with", // only a retry can delete the rest
		"failed pre-install", "failed post-install", // a hook can fail for many reasons
	} {
		if strings.Contains(text, transient) {
			return errdefs.Unavailable
		}
	}
	// The chart is wrong: its schema, its templates, or objects that the cluster does not know.
	return errdefs.Invalid
}
