package virtualkubelet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestCreateAnswersThatFailThePod(t *testing.T) {
	for name, test := range map[string]struct {
		code         int
		answer, want string
	}{
		"201":      {201, `{"PodUID":"UID","PodJID":"jid"}`, "answered 201"},
		"500":      {500, `{"detail":"no <quota>"}`, `no <quota>`},
		"an array": {200, `[{"PodUID":"UID","PodJID":"jid"}]`, "is a list, not one object"},
		"empty":    {200, ``, "the answer is empty"},
		"garbage":  {200, `{"PodUID":"UID"} and more`, "the answer is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKubelet(t, &fakePlugin{create: func(w http.ResponseWriter, body interlink.CreateBody) {
				w.WriteHeader(test.code)
				_, _ = io.WriteString(w, strings.ReplaceAll(test.answer, "UID\":\"UID", "UID\":\""+string(body.Pod.UID)))
			}})
			err := k.Create(t.Context(), podOf("p", "a"))
			var refusal *Refusal
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("create: %v; want %q", err, test.want)
			}
			wantPhases(t, k, "p", corev1.PodPending, corev1.PodFailed)
			status := k.Status("p")
			if strings.Contains(status.Message, "<") || status.ContainerStatuses[0].State.Terminated == nil {
				t.Errorf("status %v", status)
			}
			if err := k.Delete(t.Context(), "p"); err != nil {
				t.Errorf("delete of a failed create: %v", err)
			}
		})
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

func TestCallsWithoutAnAnswer(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	for name, test := range map[string]struct{ address, want string }{
		"no socket":  {"unix://" + filepath.Join(t.TempDir(), "none.sock"), "no such file"},
		"refused":    {"http://" + closedPort(t), "refused"},
		"no headers": {server.URL, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := New(Config{Plugin: test.address, HeaderTimeout: 50 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			if err := k.Create(t.Context(), podOf("p", "a")); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("create: %v; want %q", err, test.want)
			}
			wantPhases(t, k, "p", corev1.PodPending, corev1.PodFailed)
			if _, err := k.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("ping: %v; want %q", err, test.want)
			}
			if _, err := k.Logs(t.Context(), "p", "a", wire.LogOpts{}); err == nil {
				t.Error("no error for logs")
			}
		})
	}
}

// closedPort returns an address at which no program listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func TestInvalidPluginAddresses(t *testing.T) {
	for _, address := range []string{"", "unix://", "https://host:1", "host:1", "http://"} {
		if _, err := New(Config{Plugin: address}); err == nil {
			t.Errorf("no error for the address %q", address)
		}
	}
}

func TestAnswersThatDoNotChangeTheStatus(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, corev1.Pod){
		"not 200":    answerWithText(503, "busy"),
		"not JSON":   answerWithText(200, "<html>"),
		"an object":  answerWithText(200, `{"name":"p"}`),
		"empty list": answerWithText(200, "[]"),
		"no name": func(w http.ResponseWriter, pod corev1.Pod) {
			_, _ = fmt.Fprintf(w, `[{"UID":%q,"containers":[]}]`, pod.UID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			plugin := &fakePlugin{status: answerWith(status("a", running()))}
			k := newKubelet(t, plugin)
			mustCreate(t, k, neverRestarted("p", "a"))
			if err := k.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			plugin.status = answer
			if err := k.Poll(t.Context()); !errors.As(err, new(*StaleStatus)) {
				t.Errorf("poll: %v; want a *StaleStatus", err)
			}
			wantPhases(t, k, "p", corev1.PodPending, corev1.PodRunning)
		})
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
