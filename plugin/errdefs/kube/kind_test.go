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
		{"no error", nil, ""},
		{"not found", apierrors.NewNotFound(pods, "p"), errdefs.NotFound},
		{"exists", apierrors.NewAlreadyExists(pods, "p"), errdefs.Exists},
		{"conflict", apierrors.NewConflict(pods, "p", errors.New("the quota changed")), errdefs.Conflict},
		{"conflict with another UID", apierrors.NewConflict(pods, "p", errors.New("Precondition failed: UID in precondition: a, UID in object meta: b")), errdefs.Conflict},
		{"conflict with no UID", apierrors.NewConflict(pods, "p", errors.New("StorageError: invalid object, Code: 4, Key: /registry/pods/n/p, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: a, UID in object meta: ")), errdefs.NotFound},
		{"invalid", apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, "p", nil), errdefs.Invalid},
		{"bad request", apierrors.NewBadRequest("no"), errdefs.Invalid},
		{"too large", apierrors.NewRequestEntityTooLargeError("no"), errdefs.Invalid},
		{"forbidden", apierrors.NewForbidden(pods, "p", errors.New(`User "u" cannot create resource "pods"`)), errdefs.Refused},
		{"quota exceeded", apierrors.NewForbidden(pods, "p", errors.New("exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3")), errdefs.OverQuota},
		{"quota without requests", apierrors.NewForbidden(pods, "p", errors.New("failed quota: q: must specify limits.cpu for: main")), errdefs.Refused},
		{"quota not calculated yet", apierrors.NewForbidden(pods, "p", errors.New("status unknown for quota: q, resources: pods")), errdefs.NotYet},
		{"unauthorized", apierrors.NewUnauthorized("unknown user"), errdefs.Unavailable},
		{"expired", apierrors.NewResourceExpired("too old resource version"), errdefs.Unavailable},
		{"gone", apierrors.NewGone("gone"), errdefs.Unavailable}, //nolint:staticcheck // some answers still have this reason
		{"too large for etcd", apierrors.NewInternalError(errors.New("etcdserver: request is too large")), errdefs.Invalid},
		{"too large for etcd's client", apierrors.NewInternalError(errors.New("rpc error: code = ResourceExhausted desc = trying to send message larger than max (3000000 vs. 2097152)")), errdefs.Invalid},
		{"408", apierrors.NewGenericServerResponse(408, "create", pods, "p", "slow", 0, true), errdefs.Unavailable},
		{"namespace is terminating", terminating, errdefs.Unavailable},
		{"default service account not created yet", account("default"), errdefs.NotYet},
		{"configured service account not created yet", account("builder"), errdefs.NotYet},
		{"too many requests", apierrors.NewTooManyRequests("slow down", 1), errdefs.Unavailable},
		{"server timeout", apierrors.NewServerTimeout(pods, "create", 1), errdefs.Unavailable},
		{"timeout", apierrors.NewTimeoutError("slow", 1), errdefs.Unavailable},
		{"internal", apierrors.NewInternalError(errors.New("webhook down")), errdefs.Unavailable},
		{"unavailable", apierrors.NewServiceUnavailable("starting"), errdefs.Unavailable},
		{"502 of a proxy", apierrors.NewGenericServerResponse(502, "create", pods, "p", "bad gateway", 0, true), errdefs.Unavailable},
		{"418, which has no reason", apierrors.NewGenericServerResponse(418, "create", pods, "p", "teapot", 0, true), errdefs.Invalid},
		{"400 without a reason", &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: 400}}, errdefs.Invalid},
		{"500 without a reason", &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: 500}}, errdefs.Unavailable},
		{"connection refused", &url.Error{Op: "Post", Err: syscall.ECONNREFUSED}, errdefs.Unavailable},
		{"connection closed", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), errdefs.Unavailable},
		{"deadline exceeded", &url.Error{Op: "Post", Err: context.DeadlineExceeded}, errdefs.Unavailable},
		{"rate limit of the client", errors.New("client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline"), errdefs.Unavailable},
		{"canceled", &url.Error{Op: "Post", Err: context.Canceled}, errdefs.Canceled},
		{"an error that has a kind", errdefs.Wrap(errdefs.Conflict, apierrors.NewNotFound(pods, "p")), errdefs.Conflict},
		{"any other error", errors.New("boom"), errdefs.Internal},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := kube.Kind(test.err); got != test.want {
				t.Errorf("Kind(%v) = %q, want %q", test.err, got, test.want)
			}
			if got := kube.Kind(errors.Join(errors.New("create pod"), test.err)); test.err != nil && got != test.want {
				t.Errorf("Kind of the wrapped error is %q, want %q", got, test.want)
			}
		})
	}
}
