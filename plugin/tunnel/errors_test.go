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

func TestKindOf(t *testing.T) {
	secrets := schema.GroupResource{Resource: "secrets"}
	terminating := apierrors.NewForbidden(secrets, "x", errors.New("because it is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	for name, test := range map[string]struct {
		err  error
		want errdefs.Kind
	}{
		"no right":                       {apierrors.NewForbidden(secrets, "x", nil), errdefs.Refused},
		"no credentials":                 {apierrors.NewUnauthorized("x"), errdefs.Refused},
		"the namespace is ending":        {terminating, errdefs.Unavailable},
		"no namespace":                   {apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "x"), errdefs.NotFound},
		"an object is there":             {apierrors.NewAlreadyExists(secrets, "x"), errdefs.Conflict},
		"an object has changed":          {apierrors.NewConflict(secrets, "x", nil), errdefs.Conflict},
		"an object is wrong":             {apierrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, "x", nil), errdefs.Invalid},
		"an object is too large":         {apierrors.NewRequestEntityTooLargeError("x"), errdefs.Invalid},
		"too many requests":              {apierrors.NewTooManyRequestsError("x"), errdefs.Unavailable},
		"500":                            {apierrors.NewInternalError(errors.New("x")), errdefs.Unavailable},
		"503 of something in between":    {apierrors.NewGenericServerResponse(http.StatusServiceUnavailable, "get", secrets, "x", "", 0, true), errdefs.Unavailable},
		"504":                            {apierrors.NewTimeoutError("x", 1), errdefs.Unavailable},
		"no connection":                  {&url.Error{Op: "Get", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, errdefs.Unavailable},
		"a request was too slow":         {&url.Error{Op: "Get", Err: context.DeadlineExceeded}, errdefs.Unavailable},
		"the caller left":                {&url.Error{Op: "Get", Err: context.Canceled}, errdefs.Canceled},
		"the client's own limit":         {errors.New("client rate limiter Wait returned an error: x"), errdefs.Unavailable},
		"the record is there":            {fmt.Errorf("x: %w", driver.ErrReleaseExists), errdefs.Conflict},
		"the name is in use":             {errors.New("cannot re-use a name that is still in use"), errdefs.Conflict},
		"a hook":                         {errors.New("failed pre-install: x"), errdefs.Unavailable},
		"an uninstall, told in words":    {errors.New("uninstallation completed with 1 error(s): x"), errdefs.Unavailable},
		"somebody else's object":         {errors.New("Unable to continue with install: Secret \"x\" exists and cannot be imported"), errdefs.Invalid},
		"a template":                     {errors.New("execution error at (x): y"), errdefs.Invalid},
		"overtaken, whatever came of it": {fmt.Errorf("%w: %w", errOvertaken, apierrors.NewForbidden(secrets, "x", nil)), errdefs.Conflict},
	} {
		for way, err := range map[string]error{"plain": test.err, "wrapped and joined": errors.Join(fmt.Errorf("y: %w", test.err), errors.New("z"))} {
			if got := kindOf(err); got != test.want {
				t.Errorf("%s, %s: %v is %s, want %s", name, way, err, got, test.want)
			}
		}
	}
}

func TestHide(t *testing.T) {
	s := newSecret("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIExampleExampleExample0\nshort=\n-----END PRIVATE KEY-----\n")
	for _, text := range []string{"", "short", "nothing to hide in this text", strings.Repeat("x", 100), "tunnel.gateway.ssh.privateKey is wrong"} {
		if got := s.hide(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got, want := s.hide("a MC4CAQAwBQYDK2VwBCIE b ExampleExample0 short= c"), "a [private key] b [private key] c"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := newSecret("").hide("any text that is long enough"); got != "any text that is long enough" {
		t.Errorf("no key hides %q", got)
	}
}

func TestSplit(t *testing.T) {
	for image, want := range map[string][2]string{
		"example.org/ssh:1":               {"example.org/ssh", "1"},
		"example.org:5000/ssh:1":          {"example.org:5000/ssh", "1"},
		"example.org:5000/ssh":            {"example.org:5000/ssh", ""},
		"example.org/ssh@sha256:abc":      {"example.org/ssh", "sha256:abc"},
		"example.org:5000/a:1@sha256:abc": {"example.org:5000/a:1", "sha256:abc"},
	} {
		if repository, tag := split(image); repository != want[0] || tag != want[1] {
			t.Errorf("%s is %q and %q", image, repository, tag)
		}
	}
}
