package virtualkubelet

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

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
