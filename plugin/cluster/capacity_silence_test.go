package cluster

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// A watch without an event, not even a bookmark, ends after watchSilence, and not before.
func TestSilentWatchOfReducedObjectsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Reduced[int]{kind: "nodes", silence: watchSilence, log: testkit.NewLog(t).Logger()}
		events := watch.NewFake()
		guarded := r.guard(events)
		began := time.Now()
		for range 3 {
			time.Sleep(watchSilence - time.Second)
			events.Action(watch.Bookmark, &corev1.Node{})
			if _, ok := <-guarded.ResultChan(); !ok {
				t.Fatal("a watch with bookmarks ends")
			}
		}
		heard := time.Now()
		if !r.LastHeard().Equal(heard) {
			t.Errorf("heard at %s, want %s", r.LastHeard(), heard)
		}
		if _, ok := <-guarded.ResultChan(); ok {
			t.Fatal("an event from nowhere")
		}
		if silent := time.Since(heard); silent != watchSilence {
			t.Errorf("the watch ends %s after the last event, and began %s ago", silent, time.Since(began))
		}
		if !events.IsStopped() {
			t.Error("the watch below goes on")
		}
	})
}

// After the API server has moved, its objects are listed before they are watched: resource versions of another API server mean nothing.
func TestReducedObjectsAreListedAfterAMove(t *testing.T) {
	addresses := int64(0)
	r := &Reduced[int]{kind: "nodes", log: testkit.NewLog(t).Logger(), moved: func() int64 { return addresses }}
	lists, source := 0, kindSource{kind: "nodes"}
	source.watch = func(context.Context, metav1.ListOptions) (watch.Interface, error) {
		lists++
		return watch.NewFake(), nil
	}
	open := func(initial bool) error {
		w, err := r.watch(t.Context(), metav1.ListOptions{SendInitialEvents: &initial}, source)
		if err == nil {
			w.Stop()
		}
		return err
	}
	if err := open(true); err != nil {
		t.Fatal(err)
	}
	if err := open(false); err != nil {
		t.Fatal(err)
	}
	addresses++
	if err := open(false); err != errMoved { //nolint:errorlint // it is this one
		t.Errorf("after a move, a watch goes on: %v", err)
	}
	if err := open(true); err != nil {
		t.Fatal(err)
	}
	if err := open(false); err != nil || lists != 4 {
		t.Errorf("after the list: %v, and %d watches", err, lists)
	}
}

// That the account may not list all pods is no refusal of the plugin, which can do without them; that it may is
// no proof that it may list its own.
func TestRequestsThatThePluginCanDoWithoutSayNothing(t *testing.T) {
	h := &health{now: time.Now, recovered: func(time.Time) {}, reopen: func() {}}
	var seen target
	next := func(r *http.Request) (*http.Response, error) { seen = targetOf(r); return nil, http.ErrAbortHandler }
	send := func(ctx context.Context) {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://api/api/v1/pods", nil)
		_, _ = targetTransport{next: roundTripper(next)}.RoundTrip(r)
	}
	send(besides(t.Context()))
	h.saw(seen, forbidden, errdefs.New(errdefs.Refused, "no"))
	if !h.refused().Since.IsZero() {
		t.Error("the plugin is refused")
	}
	send(t.Context())
	h.saw(seen, forbidden, errdefs.New(errdefs.Refused, "no"))
	if h.refused().Since.IsZero() {
		t.Fatal("the plugin is not refused")
	}
	send(besides(t.Context()))
	h.saw(seen, answered, nil)
	if h.refused().Since.IsZero() {
		t.Error("the plugin is accepted")
	}
}
