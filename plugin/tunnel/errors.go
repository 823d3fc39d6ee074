package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"helm.sh/helm/v3/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// failed says what was being done to which release, and of what kind the failure
// is; the private key is not in it, whoever quoted it.
func (t *Tunnels) failed(err error, verb, what string) error {
	text := t.secret.hide(fmt.Sprintf("%s %s in namespace %s: %v", verb, what, t.options.BastionNamespace, err))
	kind := kindOf(err)
	if kind == errdefs.Invalid && t.options.ChartPath != "" {
		text += " (the chart is " + t.options.ChartPath + ")"
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
	switch status := apierrors.APIStatus(nil); {
	case errors.Is(err, context.Canceled):
		return errdefs.Canceled
	case errors.Is(err, errOvertaken), errors.Is(err, driver.ErrReleaseExists),
		strings.Contains(err.Error(), "cannot re-use a name that is still in use"):
		return errdefs.Conflict
	case errors.Is(err, errLeftOver):
		return errdefs.Unavailable // they are taken away now
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return errdefs.Unavailable // until it is gone, and can be made again
	case errors.As(err, &status):
		return kindOfCode(int(status.Status().Code))
	case transport(err):
		return errdefs.Unavailable
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

func kindOfCode(code int) errdefs.Kind {
	switch {
	case code == http.StatusForbidden, code == http.StatusUnauthorized:
		return errdefs.Refused
	case code == http.StatusNotFound:
		return errdefs.NotFound
	case code == http.StatusConflict:
		return errdefs.Conflict
	case code == http.StatusTooManyRequests, code < 400, code >= 500:
		return errdefs.Unavailable
	}
	return errdefs.Invalid
}

// transport says whether a request or its answer was lost on the way.
func transport(err error) bool {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded) ||
		strings.Contains(err.Error(), "client rate limiter Wait")
}
