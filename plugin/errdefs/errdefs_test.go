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
