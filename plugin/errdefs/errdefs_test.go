package errdefs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

func TestKindOf(t *testing.T) {
	cause := errors.New("quota exceeded")
	for _, test := range []struct {
		name string
		err  error
		want errdefs.Kind
	}{
		{"nil has no kind", nil, ""},
		{"an error without a kind is internal", cause, errdefs.Internal},
		{"an error with a kind", errdefs.Wrap(errdefs.Refused, cause), errdefs.Refused},
		{"an error with a kind, wrapped", fmt.Errorf("create pod: %w", errdefs.Wrap(errdefs.Refused, cause)), errdefs.Refused},
		{"the outermost kind is used", errdefs.Wrap(errdefs.Invalid, errdefs.Wrap(errdefs.Refused, cause)), errdefs.Invalid},
		{"one of several joined", errors.Join(cause, errdefs.Wrap(errdefs.NotFound, cause)), errdefs.NotFound},
		{"canceled context", fmt.Errorf("list pods: %w", context.Canceled), errdefs.Canceled},
		{"deadline exceeded", fmt.Errorf("list pods: %w", context.DeadlineExceeded), errdefs.Unavailable},
		{"a kind is preferred to a context error", errdefs.Wrap(errdefs.Conflict, context.Canceled), errdefs.Conflict},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := errdefs.KindOf(test.err); got != test.want {
				t.Errorf("KindOf(%v) = %q, want %q", test.err, got, test.want)
			}
			for _, kind := range []errdefs.Kind{errdefs.Internal, errdefs.Refused, errdefs.Unavailable, ""} {
				if got := errdefs.Is(test.err, kind); got != (kind == test.want) {
					t.Errorf("Is(%v, %q) = %v", test.err, kind, got)
				}
			}
		})
	}
}

func TestErrorKeepsItsMessageAndCause(t *testing.T) {
	cause := errors.New("boom")
	err := errdefs.New(errdefs.Unavailable, "create pod %s: %w", "a/b", cause)
	if got, want := err.Error(), "create pod a/b: boom"; got != want {
		t.Errorf("message is %q, want %q", got, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the error does not wrap its cause")
	}
	if errdefs.Wrap(errdefs.Invalid, nil) != nil {
		t.Error("Wrap(nil) is not nil")
	}
}

func TestIsTransient(t *testing.T) {
	for kind, want := range map[errdefs.Kind]bool{
		errdefs.Unavailable: true, errdefs.Conflict: true, errdefs.NotYet: true,
		errdefs.Internal: false, errdefs.Invalid: false, errdefs.TooLarge: false, errdefs.NotFound: false, errdefs.Refused: false,
		errdefs.OverQuota: false, errdefs.Exists: false, errdefs.Canceled: false,
	} {
		if got := errdefs.IsTransient(fmt.Errorf("create pod: %w", errdefs.New(kind, "no"))); got != want {
			t.Errorf("an error of kind %q is transient: %v", kind, got)
		}
	}
	if errdefs.IsTransient(nil) {
		t.Error("no error is transient")
	}
}
