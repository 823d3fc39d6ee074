package tunnel

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"helm.sh/helm/v3/pkg/storage/driver"
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

// kindOf says of what kind a failure of Helm's is. Helm hands on the API server's
// errors while it installs, but not while it uninstalls: what it says then is
// taken for something that may pass, since nobody else takes a release away.
func kindOf(err error) errdefs.Kind {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		switch code := status.Status().Code; {
		case code == http.StatusForbidden, code == http.StatusUnauthorized:
			return errdefs.Refused
		case code == http.StatusNotFound:
			return errdefs.NotFound
		case code == http.StatusConflict:
			return errdefs.Conflict
		case code == http.StatusTooManyRequests, code >= 500:
			return errdefs.Unavailable
		case code >= 400:
			return errdefs.Invalid
		}
		return errdefs.Unavailable
	}
	switch {
	case transport(err):
		return errdefs.Unavailable
	case errors.Is(err, driver.ErrReleaseExists), strings.Contains(err.Error(), "cannot re-use a name that is still in use"):
		return errdefs.Conflict // another replica is faster
	case strings.Contains(err.Error(), "failed to delete release"), strings.Contains(err.Error(), "uninstallation completed with"):
		return errdefs.Unavailable
	}
	// The chart: its schema, its templates, or objects that the cluster does not know.
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

// secret is a private key in all the forms in which somebody may quote it.
type secret []string

func newSecret(pem string) secret {
	forms := secret{base64.StdEncoding.EncodeToString([]byte(pem)), strings.TrimSpace(pem)}
	for line := range strings.Lines(pem) {
		// A short last line would be found in other words.
		if line = strings.TrimSpace(line); len(line) >= 16 && !strings.HasPrefix(line, "-----") {
			forms = append(forms, line)
		}
	}
	return forms
}

// hide replaces the key in a text.
func (s secret) hide(text string) string {
	for _, form := range s {
		if form != "" {
			text = strings.ReplaceAll(text, form, "[private key]")
		}
	}
	return text
}
