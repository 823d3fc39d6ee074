package errdefs

import (
	"context"
	"errors"
	"fmt"
)

// Kind says what sort of failure an error is, and with that who can mend it.
type Kind string

const (
	// Internal is every failure that nobody gave a kind: a fault of the plugin.
	Internal Kind = "internal"
	// Invalid is a request that can never succeed as it was written.
	Invalid Kind = "invalid"
	// TooLarge is a request whose body exceeds the configured limit.
	TooLarge Kind = "too large"
	// NotFound is an object that is not there.
	NotFound Kind = "not found"
	// Refused is what the remote cluster, or the plugin's configuration, does
	// not permit: a missing right, an exhausted quota, an admission policy.
	Refused Kind = "refused"
	// Exists is an object that is there already.
	Exists Kind = "exists"
	// Conflict is a change that another one overtook; it may be tried again.
	Conflict Kind = "conflict"
	// Unavailable is a failure that may pass: the remote cluster cannot be
	// reached, is overloaded, or did not answer in time.
	Unavailable Kind = "unavailable"
	// Canceled is a call whose caller left or whose request was overtaken.
	Canceled Kind = "canceled"
)

// Error is a failure with a kind.
type Error struct {
	Kind Kind
	err  error
}

// Error returns the message alone; the kind is for programs.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the error that was given a kind.
func (e *Error) Unwrap() error { return e.err }

// New makes an error of the given kind; format and args are those of
// [fmt.Errorf], %w included.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, err: fmt.Errorf(format, args...)}
}

// Wrap gives err a kind and leaves its message as it is. A nil err stays nil.
func Wrap(kind Kind, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, err: err}
}

// KindOf returns the kind of the outermost error in err's tree that has one.
// Errors of a context count too: a cancelled one is [Canceled], a passed
// deadline [Unavailable]. Everything else is [Internal]; nil has no kind and
// returns "".
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

// Is says whether err is of the given kind.
func Is(err error, kind Kind) bool { return KindOf(err) == kind }
