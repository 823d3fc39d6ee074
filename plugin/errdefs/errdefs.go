package errdefs

import (
	"context"
	"errors"
	"fmt"
)

// Kind classifies an error by who can solve it.
type Kind string

const (
	// Internal is every error without a kind. It is a fault of the plugin.
	Internal Kind = "internal"
	// Invalid is a request that can never succeed in its present form.
	Invalid Kind = "invalid"
	// TooLarge is a request whose body exceeds the configured limit.
	TooLarge Kind = "too large"
	// NotFound is an object that does not exist.
	NotFound Kind = "not found"
	// Refused is a request that the remote cluster or the plugin's configuration
	// does not permit: a missing permission, an admission policy.
	Refused Kind = "refused"
	// OverQuota is an object that a ResourceQuota of the remote cluster refuses, because
	// it would exceed a limit. It may fit later.
	OverQuota Kind = "over quota"
	// NotYet is a refusal that passes by itself within seconds, for example because the
	// service account of a new namespace does not exist yet. If it lasts, it is final.
	NotYet Kind = "refused for now"
	// Exists is an object that exists already.
	Exists Kind = "exists"
	// Conflict is a change that failed because of another change at the same time.
	// A retry may succeed.
	Conflict Kind = "conflict"
	// Unavailable is a failure that a retry may solve: the remote cluster cannot be
	// reached, is overloaded, or did not answer in time.
	Unavailable Kind = "unavailable"
	// Canceled is a call whose caller disconnected, or that a later request replaced.
	Canceled Kind = "canceled"
)

// Error is an error with a kind.
type Error struct {
	Kind Kind
	err  error
}

// Error returns the message, without the kind.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the error that was given a kind.
func (e *Error) Unwrap() error { return e.err }

// New returns an error of the given kind. format and args are those of [fmt.Errorf],
// including %w.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, err: fmt.Errorf(format, args...)}
}

// Wrap gives err a kind and does not change its message. A nil err stays nil.
func Wrap(kind Kind, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, err: err}
}

// KindOf returns the kind of the outermost [Error] in err's tree. Without such an
// error, [context.Canceled] is [Canceled], [context.DeadlineExceeded] is
// [Unavailable], and every other error is [Internal]. A nil error has no kind, and
// KindOf returns "".
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	}
	return Internal
}

// Is reports whether err is of the given kind.
func Is(err error, kind Kind) bool { return KindOf(err) == kind }

// IsTransient reports whether a retry may solve a failure: the remote API server
// cannot be reached or is overloaded, another change came first, or the API server
// refuses the request for now (docs/contract.md, CREATE-6).
func IsTransient(err error) bool {
	switch KindOf(err) {
	case Unavailable, Conflict, NotYet:
		return true
	}
	return false
}
