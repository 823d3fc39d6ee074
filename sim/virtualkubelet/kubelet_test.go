package virtualkubelet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

func TestCallsDuringTheLifeOfAPod(t *testing.T) {
	plugin := &fakePlugin{status: answerWith(status("a", running()))}
	k := newKubelet(t, plugin)
	mustCreate(t, k, neverRestarted("p", "a"))
	if err := k.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, body := plugin.last(); !strings.Contains(body, `"JobID":"jid"`) {
		t.Errorf("the status request does not have the job ID: %s", body)
	}
	plugin.status = answerWith(status("a", terminated(0)))
	if err := errors.Join(k.Poll(t.Context()), k.Poll(t.Context())); err != nil { // the second poll sends nothing
		t.Fatal(err)
	}
	if _, err := k.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	log, err := k.Logs(t.Context(), "p", "a", wire.LogOpts{Tail: 1})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(log); err != nil || string(text) != "a line\n" {
		t.Errorf("log %q, %v", text, err)
	}
	_ = log.Close()
	if err := k.Delete(t.Context(), "default/p"); err != nil {
		t.Fatal(err)
	}
	if _, body := plugin.last(); strings.Contains(body, "deletionTimestamp") {
		t.Errorf("the delete of a finished pod has a deletionTimestamp: %s", body)
	}
	wantPhases(t, k, "p", corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded)
	want := []string{
		"POST /create CreatePod", "GET /status GetStatus", "GET /status GetStatus", "GET /status Request",
		"GET /getLogs GetLogs", "POST /delete DeletePod",
	}
	if diff := cmp.Diff(want, plugin.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if err := k.Delete(t.Context(), "p"); err == nil {
		t.Error("no error for the second delete")
	}
	if err := k.Delete(t.Context(), "unknown"); err == nil {
		t.Error("no error for the delete of an unknown pod")
	}
}

func TestWrongPodUIDLosesOnlyTheJobID(t *testing.T) {
	plugin := &fakePlugin{
		create: func(w http.ResponseWriter, _ interlink.CreateBody) {
			_, _ = io.WriteString(w, `{"PodUID":"another","PodJID":"jid"}`)
		},
		status: answerWith(status("a", terminated(0))),
	}
	k := newKubelet(t, plugin)
	var wrong *WrongPodUID
	if err := k.Create(t.Context(), podOf("p", "a")); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "another") {
		t.Errorf("create: %v", err)
	}
	wantPhases(t, k, "p", corev1.PodPending)
	if err := k.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if call, body := plugin.last(); call != "GET /status GetStatus" || strings.Contains(body, "JobID") {
		t.Errorf("the last call is %s: %s", call, body)
	}
	wantPhases(t, k, "p", corev1.PodPending, corev1.PodSucceeded)
}

func TestSecondCreateWithAnotherJobID(t *testing.T) {
	answers := []string{"one", "one", "two"}
	plugin := &fakePlugin{create: func(w http.ResponseWriter, body interlink.CreateBody) {
		_, _ = io.WriteString(w, `{"PodUID":"`+string(body.Pod.UID)+`","PodJID":"`+answers[0]+`"}`)
		answers = answers[1:]
	}}
	k := newKubelet(t, plugin)
	if err := k.Create(t.Context(), podOf("p", "a")); err != nil {
		t.Fatal(err)
	}
	if err := k.CreateAgain(t.Context(), "p"); err != nil {
		t.Errorf("a second create with the same answer: %v", err)
	}
	var other *OtherJobID
	if err := k.Restart(t.Context(), "p"); !errors.As(err, &other) || !strings.Contains(err.Error(), `the PodJID "two"`) {
		t.Errorf("a create after a restart with another answer: %v", err)
	}
}

// docs/contract.md, STATUS-27.
func TestLocalAPIServerRefusesARestartedContainer(t *testing.T) {
	plugin := &fakePlugin{status: answerWith(status("a", terminated(0)), status("b", running()))}
	k := newKubelet(t, plugin)
	mustCreate(t, k, neverRestarted("p", "a", "b"))
	if err := k.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	plugin.status = answerWith(status("a", running()), status("b", running()))
	if err := k.Poll(t.Context()); !errors.As(err, new(*StaleStatus)) {
		t.Errorf("poll: %v; want a *StaleStatus", err)
	}
	if k.Status("p").ContainerStatuses[0].State.Terminated == nil {
		t.Error("container a is not terminated any more")
	}
}

func TestNoPollAfterAPanic(t *testing.T) {
	plugin := &fakePlugin{status: answerWith(status("a", terminated(1)))}
	k := newKubelet(t, plugin)
	mustCreate(t, k, neverRestarted("p", "a", "b"))
	mustCreate(t, k, neverRestarted("q", "a"))
	var panicked *Panic
	if err := k.Poll(t.Context()); !errors.As(err, &panicked) || panicked.Pod != "p" {
		t.Fatalf("poll: %v; want a *Panic with pod p", err)
	}
	calls := len(plugin.calls)
	if err := k.Poll(t.Context()); !errors.As(err, &panicked) || len(plugin.calls) != calls {
		t.Errorf("poll after the panic: %v, %d calls; want the panic and no call", err, len(plugin.calls)-calls)
	}
	wantPhases(t, k, "p", corev1.PodPending)
	plugin.status = answerWith(status("a", terminated(0)), status("b", terminated(0)))
	if err := errors.Join(k.Restart(t.Context()), k.Poll(t.Context())); err != nil {
		t.Fatal(err)
	}
	wantPhases(t, k, "p", corev1.PodPending, corev1.PodSucceeded)
}

func TestRestartCreatesForgottenPodsAgain(t *testing.T) {
	plugin := &fakePlugin{status: answerWith(status("a", running()))}
	k := newKubelet(t, plugin)
	for _, name := range []string{"kept", "forgotten"} {
		mustCreate(t, k, podOf(name, "a"))
	}
	if err := k.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := len(plugin.calls)
	if err := errors.Join(k.Restart(t.Context(), "forgotten"), k.Poll(t.Context())); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST /create CreatePod", "GET /status GetStatus", "GET /status GetStatus"}
	if diff := cmp.Diff(want, plugin.calls[before:]); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if body := plugin.bodies[before]; !strings.Contains(body, `"name":"forgotten"`) || strings.Contains(body, "JobID") {
		t.Errorf("second create: %s", body)
	}
	wantPhases(t, k, "kept", corev1.PodPending, corev1.PodRunning)
	wantPhases(t, k, "forgotten", corev1.PodPending, corev1.PodRunning, corev1.PodPending, corev1.PodRunning)
}

func TestDeleteOfARunningPod(t *testing.T) {
	plugin := &fakePlugin{status: answerWith(status("a", running()))}
	k := newKubelet(t, plugin)
	pod := podOf("p", "a")
	pod.Spec.TerminationGracePeriodSeconds = ptr.To[int64](7)
	mustCreate(t, k, pod)
	mustCreate(t, k, podOf("lost", "a"))
	if err := errors.Join(k.Poll(t.Context()), k.Delete(t.Context(), "p"), k.DeleteUnreported("lost")); err != nil {
		t.Fatal(err)
	}
	call, body := plugin.last()
	var deleted corev1.Pod
	if err := json.Unmarshal([]byte(body), &deleted); err != nil || call != "POST /delete DeletePod" {
		t.Fatalf("%s: %v", call, err)
	}
	if deleted.DeletionTimestamp == nil || ptr.Deref(deleted.DeletionGracePeriodSeconds, 0) != 7 || deleted.Name != "p" {
		t.Errorf("deleted %v", deleted.ObjectMeta)
	}
	calls := len(plugin.calls)
	if err := k.Poll(t.Context()); err != nil || len(plugin.calls) != calls {
		t.Errorf("error %v, or status calls for deleted pods", err)
	}
	if err := k.DeleteAgain(t.Context(), "p"); err != nil {
		t.Error(err)
	}
	if again, same := plugin.last(); len(plugin.calls) != calls+1 || again != call || same != body {
		t.Errorf("the delete that is sent again is %s with %s", again, same)
	}
	if err := k.DeleteAgain(t.Context(), "lost"); err == nil {
		t.Error("a delete that was never sent is sent again")
	}
}

func TestStatusCreateAndDeleteWhileACreateIsInFlight(t *testing.T) {
	arrived, answer := make(chan struct{}, 2), make(chan struct{})
	plugin := &fakePlugin{status: answerWith(status("a", waiting("ContainerCreating")))}
	plugin.create = func(w http.ResponseWriter, body interlink.CreateBody) {
		arrived <- struct{}{}
		<-answer
		_, _ = fmt.Fprintf(w, `{"PodUID":%q,"PodJID":"jid"}`, body.Pod.UID)
	}
	k := newKubelet(t, plugin)
	created := make(chan error, 2)
	go func() { created <- k.Create(context.Background(), podOf("p", "a")) }()
	<-arrived
	go func() { created <- k.CreateAgain(context.Background(), "p") }()
	<-arrived
	if err := k.Poll(t.Context()); err != nil {
		t.Error(err)
	}
	if _, body := plugin.last(); strings.Contains(body, "JobID") {
		t.Errorf("the pod has a job ID although create is not answered: %s", body)
	}
	if err := k.Delete(t.Context(), "p"); err != nil {
		t.Error(err)
	}
	close(answer)
	if err := errors.Join(<-created, <-created); err != nil {
		t.Error(err)
	}
	wantPhases(t, k, "p", corev1.PodPending)
}
