package backoff_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/backoff"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// What passes is retried for as long as the context permits, and the error is the last one.
// What a retry cannot solve is returned at once.
func TestWhatIsRetried(t *testing.T) {
	for _, test := range []struct {
		kind errdefs.Kind
		once bool
	}{
		{errdefs.Unavailable, false}, {errdefs.Conflict, false}, {errdefs.NotYet, false},
		{errdefs.Invalid, true}, {errdefs.TooLarge, true}, {errdefs.Refused, true}, {errdefs.OverQuota, true},
		{errdefs.Exists, true}, {errdefs.NotFound, true}, {errdefs.Internal, true}, {errdefs.Canceled, true},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
				defer cancel()
				var tries int
				var failure error
				err := backoff.Retry(ctx, func(context.Context) error {
					tries++
					failure = errdefs.New(test.kind, "failure %d", tries)
					return failure
				})
				if !errors.Is(err, failure) {
					t.Errorf("Retry returned %v, want %v", err, failure)
				}
				if ended := ctx.Err() != nil; ended == test.once || test.once && tries != 1 {
					t.Errorf("%d tries, and the context has ended: %v", tries, ended)
				}
				if !test.once && (tries < 15 || tries > 35) {
					t.Errorf("%d tries in 100 s", tries)
				}
			})
		})
	}
}

// A success ends the tries.
func TestASuccessIsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		err := backoff.Retry(t.Context(), func(context.Context) error {
			if tries++; tries < 4 {
				return errdefs.New(errdefs.Unavailable, "down")
			}
			return nil
		})
		if err != nil || tries != 4 {
			t.Errorf("Retry returned %v after %d tries", err, tries)
		}
	})
}

// Each failure that may pass is observed, and no other.
func TestFailuresAreObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var observed []errdefs.Kind
		ctx := backoff.WithObserver(t.Context(), func(kind errdefs.Kind) { observed = append(observed, kind) })
		failures := []errdefs.Kind{errdefs.Unavailable, errdefs.Conflict, errdefs.NotYet, errdefs.Refused}
		left := failures
		err := backoff.Retry(ctx, func(context.Context) error {
			kind := left[0]
			left = left[1:]
			return errdefs.New(kind, "failure")
		})
		if !errdefs.Is(err, errdefs.Refused) || !slices.Equal(observed, failures[:3]) {
			t.Errorf("Retry returned %v, and %v was observed", err, observed)
		}
	})
}
