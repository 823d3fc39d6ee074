package virtualkubelet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

func TestCreateWithAMissingConfigMapIsNotSent(t *testing.T) {
	plugin := &fakePlugin{status: answerWith(corev1.ContainerStatus{Name: "a", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}})}
	k := newKubelet(t, plugin)
	pod := podOf("p", "a")
	pod.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: "later"},
	}}}
	if err := k.Create(t.Context(), pod); err == nil || len(plugin.calls) > 0 {
		t.Errorf("create: %v, calls %v", err, plugin.calls)
	}
	// docs/contract.md, STATUS-5.
	if err := k.Poll(t.Context()); err != nil || !slices.Equal(plugin.calls, []string{"GET /status GetStatus"}) {
		t.Errorf("poll: %v, calls %v", err, plugin.calls)
	}
	wantPhases(t, k, "p", corev1.PodPending)
	later := corev1.ConfigMap{Data: map[string]string{"A": "1"}}
	later.Name = "later"
	k.Apply(interlink.Objects{ConfigMaps: []corev1.ConfigMap{later}})
	if err := k.CreateAgain(t.Context(), "p"); err != nil {
		t.Error(err)
	}
	if _, body := plugin.last(); !strings.Contains(body, `"env":[{"name":"A","value":"1"}]`) {
		t.Errorf("create body: %s", body)
	}
}

func TestObserveSeesEachCallWithItsResult(t *testing.T) {
	plugin := &fakePlugin{status: func(w http.ResponseWriter, _ corev1.Pod) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		time.Sleep(time.Second) // the answer begins but does not end in time
	}}
	server := httptest.NewServer(plugin)
	t.Cleanup(server.Close)
	var seen []string
	k, err := New(Config{Plugin: server.URL, CallTimeout: 200 * time.Millisecond, Observe: func(c Call) {
		if c.Duration <= 0 {
			t.Errorf("the duration of %s is %s", c.Name, c.Duration)
		}
		seen = append(seen, fmt.Sprint(c.Name, " ", c.Status, " ", c.Err))
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	mustCreate(t, k, podOf("p", "a"))
	if err := k.Poll(t.Context()); err == nil || !strings.Contains(err.Error(), "the answer was not complete within 200ms") {
		t.Error(err)
	}
	if log, err := k.Logs(t.Context(), "p", "a", wire.LogOpts{}); err != nil {
		t.Error(err)
	} else {
		_ = log.Close()
	}
	if err := k.Delete(t.Context(), "p"); err != nil {
		t.Error(err)
	}
	if err := k.CheckPlugin(t.Context()); err == nil || !strings.Contains(err.Error(), "is no plugin") {
		t.Errorf("an empty answer to the ping: %v", err)
	}
	server.CloseClientConnections()
	server.Close()
	if err := k.CheckPlugin(t.Context()); err == nil || !strings.Contains(err.Error(), "there is no plugin at "+server.URL) {
		t.Error(err)
	}
	want := []string{"CreatePod 200 <nil>", "GetStatus 0 the answer was not complete within 200ms", "GetLogs 200 <nil>", "DeletePod 200 <nil>", "Ping 200 <nil>"}
	if diff := cmp.Diff(want, seen[:min(len(seen), len(want))]); diff != "" {
		t.Error(diff)
	}
	if last := seen[len(seen)-1]; !strings.HasPrefix(last, "Ping 0 ") {
		t.Error(last)
	}
}

func TestCanceledPollIsNoFaultOfThePlugin(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	k := newKubelet(t, &fakePlugin{status: func(http.ResponseWriter, corev1.Pod) { cancel(); time.Sleep(100 * time.Millisecond) }})
	mustCreate(t, k, podOf("p", "a"))
	if err := k.Poll(ctx); !errors.Is(err, context.Canceled) || errors.As(err, new(*StaleStatus)) {
		t.Error(err)
	}
}
