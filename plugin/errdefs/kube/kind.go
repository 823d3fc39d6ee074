package kube

import (
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

// kinds maps the reason in an answer of the API server to a kind of error
// (https://kubernetes.io/docs/reference/using-api/api-concepts/). For a reason that
// is not in the table, the HTTP status code decides.
var kinds = map[metav1.StatusReason]errdefs.Kind{
	metav1.StatusReasonAlreadyExists:         errdefs.Exists,
	metav1.StatusReasonBadRequest:            errdefs.Invalid,
	metav1.StatusReasonConflict:              errdefs.Conflict,
	metav1.StatusReasonExpired:               errdefs.Unavailable,
	metav1.StatusReasonForbidden:             errdefs.Refused,
	metav1.StatusReasonGone:                  errdefs.Unavailable,
	metav1.StatusReasonInvalid:               errdefs.Invalid,
	metav1.StatusReasonNotFound:              errdefs.NotFound,
	metav1.StatusReasonRequestEntityTooLarge: errdefs.Invalid,
	// The credentials are rotated: the next try reads them again.
	metav1.StatusReasonUnauthorized: errdefs.Unavailable,
}

// Kind returns the kind of an error of client-go. An error that has a kind of
// [errdefs.KindOf] already keeps it. Unavailable is every failure that a retry may
// solve: the API server cannot be reached, is overloaded, or failed. Internal is
// every error that neither the API server nor the network reports. A nil error has
// no kind, and Kind returns "".
func Kind(err error) errdefs.Kind {
	if kind := errdefs.KindOf(err); kind != errdefs.Internal {
		return kind
	}
	var answer apierrors.APIStatus
	switch {
	case !errors.As(err, &answer):
		if isNetworkError(err) || isClientRateLimit(err) {
			return errdefs.Unavailable
		}
		return errdefs.Internal
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return errdefs.Unavailable
	case apierrors.IsForbidden(err):
		return forbiddenKind(err)
	case isTooLarge(answer.Status().Message):
		return errdefs.Invalid
	case apierrors.IsConflict(err) && isAboutNothing(answer.Status().Message):
		return errdefs.NotFound
	}
	if kind, ok := kinds[apierrors.ReasonForError(err)]; ok {
		return kind
	}
	switch code := answer.Status().Code; {
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests:
		return errdefs.Unavailable
	case code >= 400 && code < 500:
		return errdefs.Invalid
	}
	return errdefs.Unavailable
}

// isTooLarge reports whether etcd, or the API server's own client of it, refused an object
// because of its size. The API server passes their words on with 500, as if it had failed.
// It has a reason of its own only for a request that it does not even read.
func isTooLarge(message string) bool {
	return strings.Contains(message, "etcdserver: request is too large") ||
		strings.Contains(message, "trying to send message larger than max")
}

// isAboutNothing reports whether a conflict is about the UID of an object that does not exist:
// its UID is empty. API servers before 1.33 answer so, with 409 instead of 404, to an update or
// delete with a precondition if the object is deleted at the same time:
// https://github.com/kubernetes/apiserver/blob/release-1.31/pkg/storage/interfaces.go
func isAboutNothing(message string) bool {
	return strings.Contains(message, "Precondition failed: UID in precondition: ") &&
		strings.HasSuffix(strings.TrimRight(message, " "), "UID in object meta:")
}

// forbiddenKind returns the kind of an answer 403. The API server has no reasons of their
// own for these, so the words decide:
//   - https://github.com/kubernetes/apiserver/blob/master/pkg/admission/plugin/resourcequota/controller.go
//     for quotas: one is exceeded, or its status is not calculated yet;
//   - the admission plugin ServiceAccount: the controller manager creates the service
//     account of a new namespace a moment later.
func forbiddenKind(err error) errdefs.Kind {
	text := err.Error()
	switch {
	case strings.Contains(text, "exceeded quota: "):
		return errdefs.OverQuota
	case strings.Contains(text, "status unknown for quota: "), strings.Contains(text, "error looking up service account"):
		return errdefs.NotYet
	}
	return errdefs.Refused
}

// isClientRateLimit reports whether client-go's own rate limiter rejected a request,
// because the request would have waited longer than its context permits. That error
// has no type.
func isClientRateLimit(err error) bool {
	return strings.Contains(err.Error(), "client rate limiter Wait")
}

// isNetworkError reports whether the network lost the request or its answer.
func isNetworkError(err error) bool {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
