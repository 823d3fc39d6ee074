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
		{"nil has none", nil, ""},
		{"unnamed is internal", cause, errdefs.Internal},
		{"named", errdefs.Wrap(errdefs.Refused, cause), errdefs.Refused},
		{"named, then wrapped", fmt.Errorf("create pod: %w", errdefs.Wrap(errdefs.Refused, cause)), errdefs.Refused},
		{"the outermost name counts", errdefs.Wrap(errdefs.Invalid, errdefs.Wrap(errdefs.Refused, cause)), errdefs.Invalid},
		{"one of several joined", errors.Join(cause, errdefs.Wrap(errdefs.NotFound, cause)), errdefs.NotFound},
		{"cancelled context", fmt.Errorf("list pods: %w", context.Canceled), errdefs.Canceled},
		{"passed deadline", fmt.Errorf("list pods: %w", context.DeadlineExceeded), errdefs.Unavailable},
		{"a name outranks the context's", errdefs.Wrap(errdefs.Conflict, context.Canceled), errdefs.Conflict},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := errdefs.KindOf(test.err); got != test.want {
				t.Errorf("KindOf(%v) = %q, want %q", test.err, got, test.want)
			}
		})
	}
}

func TestErrorKeepsMessageAndCause(t *testing.T) {
	cause := errors.New("boom")
	err := errdefs.New(errdefs.Unavailable, "create pod %s: %w", "a/b", cause)
	if got, want := err.Error(), "create pod a/b: boom"; got != want {
		t.Errorf("message is %q, want %q", got, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if errdefs.Wrap(errdefs.Invalid, nil) != nil {
		t.Error("Wrap(nil) is not nil")
	}
}
