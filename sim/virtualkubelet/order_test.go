package virtualkubelet

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// The caller decides in which order the pods are asked for (docs/contract.md, STATUS-7).
func TestOrderOfPolls(t *testing.T) {
	var asked []string
	server := httptest.NewServer(&fakePlugin{status: func(w http.ResponseWriter, pod corev1.Pod) {
		asked = append(asked, pod.Name)
		answerWith(status("a", running()))(w, pod)
	}})
	t.Cleanup(server.Close)
	reversed := func(n int, swap func(i, j int)) {
		for i := range n / 2 {
			swap(i, n-1-i)
		}
	}
	k, err := New(Config{Plugin: server.URL, HeaderTimeout: 5 * time.Second, Shuffle: reversed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	for _, name := range []string{"one", "two", "three"} {
		mustCreate(t, k, podOf(name, "a"))
	}
	if err := k.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"three", "two", "one"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
}

// An answer without the pod says nothing about a plugin that has not answered the create yet.
func TestStaleStatusSaysWhetherThePodWasCreated(t *testing.T) {
	inFlight, goOn := make(chan struct{}), make(chan struct{})
	k := newKubelet(t, &fakePlugin{
		create: func(w http.ResponseWriter, body interlink.CreateBody) {
			close(inFlight)
			<-goOn
			_ = json.NewEncoder(w).Encode(wire.CreateResponse{PodUID: string(body.Pod.UID), PodJID: "j"})
		},
		status: answerWithText(200, "[]"),
	})
	created := make(chan error, 1)
	go func() { created <- k.Create(t.Context(), podOf("p", "a")) }()
	<-inFlight
	for _, want := range []bool{false, true} {
		var stale *StaleStatus
		if err := k.Poll(t.Context()); !errors.As(err, &stale) || stale.Created != want || stale.UID == "" {
			t.Errorf("poll: %v, %+v; want created %v", err, stale, want)
		}
		if !want {
			close(goOn)
			if err := <-created; err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A plugin that keeps one answer for a while, for all pods, says something about each pod in turn.
func TestPodsThatWaitForNewsAreFirst(t *testing.T) {
	var asked []string
	server := httptest.NewServer(&fakePlugin{status: func(w http.ResponseWriter, pod corev1.Pod) {
		if asked = append(asked, pod.Name); len(asked)%2 == 1 { // the second of two calls gets an old answer
			answerWith(status("a", running()))(w, pod)
			return
		}
		answerWithText(200, "[]")(w, pod)
	}})
	t.Cleanup(server.Close)
	k, err := New(Config{Plugin: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	mustCreate(t, k, podOf("one", "a"))
	mustCreate(t, k, podOf("two", "a"))
	for range 3 {
		_ = k.Poll(t.Context())
	}
	if want := []string{"one", "two", "two", "one", "one", "two"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
}

// A pod that settles is not asked for; a POST uses a new connection if configured so.
func TestSettleAndNewConnections(t *testing.T) {
	clock := testingclock.NewFakeClock(time.Now())
	var mu sync.Mutex
	asked, callers := 0, map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		callers[r.RemoteAddr] = true
		if r.URL.Path == "/create" {
			var body interlink.CreateBody
			_ = json.NewDecoder(r.Body).Decode(&body)
			_ = json.NewEncoder(w).Encode(wire.CreateResponse{PodUID: string(body.Pod.UID), PodJID: "j"})
			return
		}
		asked++
		_, _ = io.WriteString(w, "[]")
	}))
	defer server.Close()
	k, err := New(Config{
		Options: interlink.Options{Clock: clock.Now}, Plugin: server.URL, Settle: time.Second, NewConnections: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := k.Create(t.Context(), podOf("p", "a")); err != nil {
		t.Fatal(err)
	}
	if err := k.Poll(t.Context()); err != nil || asked != 0 {
		t.Errorf("a pod is asked for at once: %d calls, %v", asked, err)
	}
	clock.Step(time.Second)
	if err := k.Poll(t.Context()); err == nil || asked != 1 {
		t.Errorf("after it has settled, a pod is asked for %d times, %v", asked, err)
	}
	mustCreate(t, k, podOf("q", "a"))
	err = k.Poll(t.Context())
	mu.Lock()
	defer mu.Unlock()
	if err == nil || len(callers) != 2 {
		t.Errorf("two creates and two polls use %d connections, want 2: %v", len(callers), err)
	}
}
