package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

func TestKindOfHelmErrors(t *testing.T) {
	secrets := schema.GroupResource{Resource: "secrets"}
	terminating := apierrors.NewForbidden(secrets, "x", errors.New("because it is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	for name, test := range map[string]struct {
		err  error
		want errdefs.Kind
	}{
		"no permission":                {apierrors.NewForbidden(secrets, "x", nil), errdefs.Refused},
		"no credentials":               {apierrors.NewUnauthorized("x"), errdefs.Unavailable},
		"the namespace is terminating": {terminating, errdefs.Unavailable},
		"the namespace does not exist": {apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "x"), errdefs.NotFound},
		"an object exists":             {apierrors.NewAlreadyExists(secrets, "x"), errdefs.Conflict},
		"an object has changed":        {apierrors.NewConflict(secrets, "x", nil), errdefs.Conflict},
		"an object is invalid":         {apierrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, "x", nil), errdefs.Invalid},
		"an object is too large":       {apierrors.NewRequestEntityTooLargeError("x"), errdefs.Invalid},
		"too many requests":            {apierrors.NewTooManyRequestsError("x"), errdefs.Unavailable},
		"500":                          {apierrors.NewInternalError(errors.New("x")), errdefs.Unavailable},
		"503 of a proxy":               {apierrors.NewGenericServerResponse(http.StatusServiceUnavailable, "get", secrets, "x", "", 0, true), errdefs.Unavailable},
		"504":                          {apierrors.NewTimeoutError("x", 1), errdefs.Unavailable},
		"no connection":                {&url.Error{Op: "Get", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, errdefs.Unavailable},
		"a request was too slow":       {&url.Error{Op: "Get", Err: context.DeadlineExceeded}, errdefs.Unavailable},
		"the caller disconnected":      {&url.Error{Op: "Get", Err: context.Canceled}, errdefs.Canceled},
		"the rate limit of the client": {errors.New("client rate limiter Wait returned an error: x"), errdefs.Unavailable},
		"the record exists":            {fmt.Errorf("x: %w", driver.ErrReleaseExists), errdefs.Conflict},
		"the name is in use":           {errors.New("cannot re-use a name that is still in use"), errdefs.Conflict},
		"a hook":                       {errors.New("failed pre-install: x"), errdefs.Unavailable},
		"an uninstall, quoted only":    {errors.New("uninstallation completed with 1 error(s): x"), errdefs.Unavailable},
		"an object of another owner":   {errors.New("Unable to continue with install: Secret \"x\" exists and cannot be imported"), errdefs.Invalid},
		"a template":                   {errors.New("execution error at (x): y"), errdefs.Invalid},
		"overtaken, and another error": {fmt.Errorf("%w: %w", errOvertaken, apierrors.NewForbidden(secrets, "x", nil)), errdefs.Conflict},
	} {
		for form, err := range map[string]error{"alone": test.err, "wrapped and joined": errors.Join(fmt.Errorf("y: %w", test.err), errors.New("z"))} {
			if got := kindOf(err); got != test.want {
				t.Errorf("%s, %s: kindOf(%v) = %s, want %s", name, form, err, got, test.want)
			}
		}
	}
}

func TestRedact(t *testing.T) {
	s := newSecret("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIExampleExampleExample0\nshort=\n-----END PRIVATE KEY-----\n")
	for _, text := range []string{"", "short", "a text without a key", strings.Repeat("x", 100), "tunnel.gateway.ssh.privateKey is wrong"} {
		if got := s.redact(text); got != text {
			t.Errorf("redact(%q) = %q, want no change", text, got)
		}
	}
	if got, want := s.redact("a MC4CAQAwBQYDK2VwBCIE b ExampleExample0 short= c"), "a [private key] b [private key] c"; got != want {
		t.Errorf("redact returns %q, want %q", got, want)
	}
	if got := newSecret("").redact("any text that is long enough"); got != "any text that is long enough" {
		t.Errorf("without a key redact returns %q", got)
	}
}

func TestSplitImage(t *testing.T) {
	for image, want := range map[string][2]string{
		"example.org/ssh:1":               {"example.org/ssh", "1"},
		"example.org:5000/ssh:1":          {"example.org:5000/ssh", "1"},
		"example.org:5000/ssh":            {"example.org:5000/ssh", ""},
		"example.org/ssh@sha256:abc":      {"example.org/ssh", "sha256:abc"},
		"example.org:5000/a:1@sha256:abc": {"example.org:5000/a:1", "sha256:abc"},
	} {
		if repository, tag := splitImage(image); repository != want[0] || tag != want[1] {
			t.Errorf("splitImage(%q) = %q and %q", image, repository, tag)
		}
	}
}
