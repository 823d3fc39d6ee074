package kube_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
)

func TestKind(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	terminating := apierrors.NewForbidden(pods, "p", errors.New("it is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	account := func(name string) error {
		return apierrors.NewForbidden(pods, "p", fmt.Errorf(`error looking up service account ns/%s: serviceaccount %q not found`, name, name))
	}
	for _, test := range []struct {
		name string
		err  error
		want errdefs.Kind
	}{
		{"nothing", nil, ""},
		{"not found", apierrors.NewNotFound(pods, "p"), errdefs.NotFound},
		{"exists", apierrors.NewAlreadyExists(pods, "p"), errdefs.Exists},
		{"conflict", apierrors.NewConflict(pods, "p", errors.New("quota moved")), errdefs.Conflict},
		{"invalid", apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, "p", nil), errdefs.Invalid},
		{"bad request", apierrors.NewBadRequest("no"), errdefs.Invalid},
		{"too large", apierrors.NewRequestEntityTooLargeError("no"), errdefs.Invalid},
		{"forbidden", apierrors.NewForbidden(pods, "p", errors.New("exceeded quota")), errdefs.Refused},
		{"unauthorized", apierrors.NewUnauthorized("who?"), errdefs.Refused},
		{"namespace going away", terminating, errdefs.Unavailable},
		{"default service account not made yet", account("default"), errdefs.Unavailable},
		{"configured service account missing", account("builder"), errdefs.Refused},
		{"too many requests", apierrors.NewTooManyRequests("slow down", 1), errdefs.Unavailable},
		{"server timeout", apierrors.NewServerTimeout(pods, "create", 1), errdefs.Unavailable},
		{"timeout", apierrors.NewTimeoutError("slow", 1), errdefs.Unavailable},
		{"internal", apierrors.NewInternalError(errors.New("webhook down")), errdefs.Unavailable},
		{"unavailable", apierrors.NewServiceUnavailable("starting"), errdefs.Unavailable},
		{"a proxy's 502", apierrors.NewGenericServerResponse(502, "create", pods, "p", "bad gateway", 0, true), errdefs.Unavailable},
		{"a strange 418", apierrors.NewGenericServerResponse(418, "create", pods, "p", "teapot", 0, true), errdefs.Invalid},
		{"refused connection", &url.Error{Op: "Post", Err: syscall.ECONNREFUSED}, errdefs.Unavailable},
		{"cut connection", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), errdefs.Unavailable},
		{"passed deadline", &url.Error{Op: "Post", Err: context.DeadlineExceeded}, errdefs.Unavailable},
		{"too many calls of our own", errors.New("client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline"), errdefs.Unavailable},
		{"cancelled", &url.Error{Op: "Post", Err: context.Canceled}, errdefs.Canceled},
		{"anything else", errors.New("boom"), errdefs.Internal},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := kube.Kind(test.err); got != test.want {
				t.Errorf("kind is %q, want %q", got, test.want)
			}
			if got := kube.Kind(errors.Join(errors.New("create pod"), test.err)); test.err != nil && got != test.want {
				t.Errorf("wrapped it is %q, want %q", got, test.want)
			}
		})
	}
}
