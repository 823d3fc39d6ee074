package tunnel

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"helm.sh/helm/v3/pkg/storage/driver"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
)

// failed says what was being done to which release, and of what kind the failure
// is; the private key is not in it, whoever quoted it.
func (t *Tunnels) failed(err error, verb, what string) error {
	text := t.secret.hide(fmt.Sprintf("%s %s in namespace %s: %v", verb, what, t.options.BastionNamespace, err))
	kind := kindOf(err)
	if kind == errdefs.Invalid && t.options.BastionChartPath != "" {
		text += " (the chart is " + t.options.BastionChartPath + ")"
	}
	return errdefs.New(kind, "%s", text)
}

var (
	// errOvertaken is a release that another replica has taken in hand.
	errOvertaken = errors.New("another replica is at it")
	// errLeftOver is a release of which objects are there that cannot be taken over.
	errLeftOver = errors.New("objects of that name are left over")
)

// kindOf says of what kind a failure of Helm's is. Helm hands on the API server's
// errors while it installs; of what it tells in words only, cluster.go and storage.go
// keep the errors themselves, but for the hooks of a chart.
func kindOf(err error) errdefs.Kind {
	switch {
	case errors.Is(err, context.Canceled):
		return errdefs.Canceled
	case errors.Is(err, errOvertaken), errors.Is(err, driver.ErrReleaseExists),
		strings.Contains(err.Error(), "cannot re-use a name that is still in use"):
		return errdefs.Conflict
	case errors.Is(err, errLeftOver):
		return errdefs.Unavailable // they are taken away now
	}
	switch kind := kube.Kind(err); kind {
	case errdefs.Exists:
		return errdefs.Conflict // another replica made it
	case errdefs.Internal:
	default:
		return kind
	}
	for _, words := range []string{
		"failed to delete release", "uninstallation completed with", // nobody else takes a release away: it is tried again
		"failed pre-install", "failed post-install", // a hook, which may have waited for anything
	} {
		if strings.Contains(err.Error(), words) {
			return errdefs.Unavailable
		}
	}
	// The chart: its schema, its templates, or objects that the cluster does not know.
	return errdefs.Invalid
}
