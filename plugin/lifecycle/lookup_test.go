package lifecycle

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// After a search that failed, the others fail at once. After a pause one of them tries
// again; when it succeeds, all do.
func TestSearchesAfterOneThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lookups
		searches := 0
		search := func(result error) error {
			return l.do(func() error { searches++; return result })
		}
		expect := func(what string, err error, want errdefs.Kind, wantSearches int) {
			t.Helper()
			if errdefs.KindOf(err) != want || searches != wantSearches {
				t.Errorf("%s: %v (%q), %d searches, want %q and %d", what, err, errdefs.KindOf(err), searches, want, wantSearches)
			}
			searches = 0
		}
		down := errdefs.New(errdefs.Unavailable, "the API server is away")
		expect("the first search", search(nil), "", 1)
		expect("one that nothing is found for", search(errdefs.New(errdefs.Refused, "no")), errdefs.Refused, 1)
		expect("one after a refusal", search(down), errdefs.Unavailable, 1)
		err := search(nil)
		expect("one after a failure", err, errdefs.Unavailable, 0)
		if !errors.Is(err, down) {
			t.Errorf("the error does not have the last failure: %v", err)
		}
		time.Sleep(lookupPause - time.Millisecond)
		expect("one before the pause is over", search(nil), errdefs.Unavailable, 0)
		time.Sleep(time.Millisecond)
		expect("one that fails again", search(down), errdefs.Unavailable, 1)
		expect("one after that", search(nil), errdefs.Unavailable, 0)
		time.Sleep(lookupPause)
		expect("one whose caller has left", search(context.Canceled), errdefs.Canceled, 1)
		expect("one that succeeds", search(nil), "", 1)
		expect("one after a success", search(nil), "", 1)
	})
}

// While one search tries again, and hangs, the others do not wait for it.
func TestOnlyOneSearchTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lookups
		_ = l.do(func() error { return errdefs.New(errdefs.Unavailable, "the API server is away") })
		time.Sleep(lookupPause)
		answer, done := make(chan error), make(chan error)
		go func() { done <- l.do(func() error { return <-answer }) }()
		synctest.Wait()
		for range 3 {
			time.Sleep(lookupPause)
			if err := l.do(func() error { return nil }); !errdefs.Is(err, errdefs.Unavailable) {
				t.Errorf("another search returned %v", err)
			}
		}
		answer <- nil
		if err := <-done; err != nil {
			t.Errorf("the search returned %v", err)
		}
		if err := l.do(func() error { return nil }); err != nil {
			t.Errorf("after the success, a search returned %v", err)
		}
	})
}
