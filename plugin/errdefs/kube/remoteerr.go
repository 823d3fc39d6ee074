package kube

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// kinds maps the reasons of the remote API server to kinds of error
// (https://kubernetes.io/docs/reference/using-api/api-concepts/). What is not
// listed is decided by the status code.
var kinds = map[metav1.StatusReason]errdefs.Kind{
	metav1.StatusReasonAlreadyExists:         errdefs.Exists,
	metav1.StatusReasonBadRequest:            errdefs.Invalid,
	metav1.StatusReasonConflict:              errdefs.Conflict,
	metav1.StatusReasonForbidden:             errdefs.Refused,
	metav1.StatusReasonInvalid:               errdefs.Invalid,
	metav1.StatusReasonNotFound:              errdefs.NotFound,
	metav1.StatusReasonRequestEntityTooLarge: errdefs.Invalid,
	metav1.StatusReasonUnauthorized:          errdefs.Refused,
}

// Kind says of what kind an error of client-go is: Unavailable is what may pass
// (the API server is away, overloaded, or failing), the rest will not. Internal is
// what neither the API server nor the way to it says. A nil err has no kind.
func Kind(err error) errdefs.Kind {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return errdefs.Canceled
	case !errors.As(err, &status) && (transport(err) || limited(err)):
		return errdefs.Unavailable
	case status == nil:
		return errdefs.Internal
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause), serviceAccountPending(err):
		return errdefs.Unavailable
	}
	if k, listed := kinds[apierrors.ReasonForError(err)]; listed {
		return k
	}
	switch code := status.Status().Code; {
	case code == http.StatusTooManyRequests, code >= 500:
		return errdefs.Unavailable
	case code >= 400:
		return errdefs.Invalid
	}
	return errdefs.Unavailable
}

// serviceAccountPending recognises a namespace so new that its default service
// account has not been made yet: admission refuses pods until then, a moment
// later. Admission has no reason of its own for it.
func serviceAccountPending(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), `error looking up service account`) &&
		strings.Contains(err.Error(), `serviceaccount "default" not found`)
}

// limited recognises the client's own rate limiter, which has no error of its
// own: there were too many calls to make this one in time.
func limited(err error) bool { return strings.Contains(err.Error(), "client rate limiter Wait") }

// transport says whether the request or its answer was lost on the way.
func transport(err error) bool {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}
