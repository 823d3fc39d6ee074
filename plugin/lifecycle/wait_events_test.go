package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// eventsTest is a waitEvents whose events a test plays, under virtual time.
type eventsTest struct {
	*waitEvents
	log *testkit.Log

	mu            sync.Mutex
	calls         []string
	running, most int
	answer        func(ctx context.Context, pod *corev1.Pod) (string, error)
}

func testWaitEvents(t *testing.T, test func(t *testing.T, e *eventsTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := &eventsTest{log: testkit.NewLog(t)}
		e.answer = func(context.Context, *corev1.Pod) (string, error) { return "no such volume", nil }
		e.waitEvents = newWaitEvents(e.play, e.log.Logger())
		test(t, e)
		e.close()
	})
}

func (e *eventsTest) play(ctx context.Context, pod *corev1.Pod) ([]corev1.Event, error) {
	e.mu.Lock()
	e.calls = append(e.calls, string(pod.UID))
	e.running++
	e.most = max(e.most, e.running)
	e.mu.Unlock()
	text, err := e.answer(ctx, pod)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running--
	if err != nil || text == "" {
		return nil, err
	}
	return []corev1.Event{{Type: corev1.EventTypeWarning, Reason: "FailedMount", Message: text, InvolvedObject: corev1.ObjectReference{UID: pod.UID}}}, nil
}

// sent returns the number of requests so far.
func (e *eventsTest) sent() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.calls)
}

func remoteUID(uid string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "remote", Name: "pod-" + uid, UID: types.UID(uid)}}
}

// askFor asks about a pod every 5 s, as the virtual kubelet does, and returns the last answer.
func (e *eventsTest) askFor(uid string, d time.Duration) (text string) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(5 * time.Second) {
		text = e.of(remoteUID(uid))
	}
	return text
}

// docs/contract.md, STATUS-44: a pod that starts soon costs nothing. One that waits costs one
// request a minute.
func TestEventsAreLookedUpOnceAMinute(t *testing.T) {
	testWaitEvents(t, func(t *testing.T, e *eventsTest) {
		if text := e.askFor("a", 15*time.Second); text != "" || e.sent() != 0 {
			t.Errorf("a pod that waits for a moment has %q, after %d requests", text, e.sent())
		}
		if text := e.askFor("a", 10*time.Second); text != "FailedMount: no such volume" || e.sent() != 1 {
			t.Errorf("a pod that waits has %q, after %d requests", text, e.sent())
		}
		e.answer = func(context.Context, *corev1.Pod) (string, error) {
			return "", errdefs.New(errdefs.Unavailable, "away")
		}
		if text := e.askFor("a", 5*time.Minute); text != "FailedMount: no such volume" || e.sent() != 6 {
			t.Errorf("5 minutes later the pod has %q, after %d requests", text, e.sent())
		}
		e.answer = func(context.Context, *corev1.Pod) (string, error) { return "", nil }
		if text := e.askFor("a", 2*time.Minute); text != "" {
			t.Errorf("the events are gone, and the pod has %q", text)
		}
	})
}

// A status call does not wait for events, and however many pods wait, few requests run at the
// same time.
func TestFewEventsAreLookedUpAtATime(t *testing.T) {
	testWaitEvents(t, func(t *testing.T, e *eventsTest) {
		e.answer = func(ctx context.Context, _ *corev1.Pod) (string, error) { <-ctx.Done(); return "", ctx.Err() }
		for range 10 {
			for i := range 3000 {
				begin := time.Now()
				e.of(remoteUID(fmt.Sprint(i)))
				if time.Since(begin) != 0 {
					t.Fatal("a status call waited")
				}
			}
			time.Sleep(5 * time.Second)
		}
		e.waitEvents.mu.Lock()
		queued := len(e.queue)
		e.waitEvents.mu.Unlock()
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.most != eventWorkers || queued > maxEventQueue {
			t.Errorf("%d requests ran at the same time, and %d pods wait for theirs", e.most, queued)
		}
	})
}

// Without the right to list events, the log says so once, and hardly any request is sent.
func TestEventsThatMayNotBeListed(t *testing.T) {
	testWaitEvents(t, func(t *testing.T, e *eventsTest) {
		e.answer = func(context.Context, *corev1.Pod) (string, error) {
			return "", errdefs.New(errdefs.Refused, "events is forbidden")
		}
		for range 12 * 30 {
			for i := range 20 {
				if text := e.of(remoteUID(fmt.Sprint(i))); text != "" {
					t.Fatalf("a pod has %q", text)
				}
			}
			time.Sleep(5 * time.Second)
		}
		if lines := strings.Count(e.log.String(), "may not list them"); lines != 1 {
			t.Errorf("the log has %d lines:\n%s", lines, e.log)
		}
		if e.sent() > 3*eventWorkers {
			t.Errorf("in half an hour, %d requests were sent", e.sent())
		}
		e.answer = func(context.Context, *corev1.Pod) (string, error) { return "granted", nil }
		if text := e.askFor("0", 11*time.Minute); text != "FailedMount: granted" {
			t.Errorf("after the right was granted, the pod has %q", text)
		}
	})
}

// A site can permit the plugin to list events in some namespaces only: a refusal in one says
// nothing about others. No more than a limit of refusals is remembered, and none for longer
// than it counts.
func TestEventsThatMayNotBeListedInOneNamespace(t *testing.T) {
	testWaitEvents(t, func(t *testing.T, e *eventsTest) {
		e.answer = func(_ context.Context, pod *corev1.Pod) (string, error) {
			if pod.Namespace == "granted" {
				return "granted", nil
			}
			return "", errdefs.New(errdefs.Refused, "events is forbidden")
		}
		granted, forbidden := remoteUID("a"), remoteUID("b")
		granted.Namespace = "granted"
		var text string
		for range 12 * 8 {
			e.of(forbidden)
			text = e.of(granted)
			time.Sleep(5 * time.Second)
		}
		if text != "FailedMount: granted" {
			t.Errorf("in 8 minutes, the pod in the other namespace has %q", text)
		}
		if e.sent() != 1+8 {
			t.Errorf("%d requests were sent: %v", e.sent(), e.calls)
		}
		for i := range maxRefused + 500 {
			pod := remoteUID(fmt.Sprint(i))
			pod.Namespace = pod.Name
			e.done(pod, nil, errdefs.New(errdefs.Refused, "events is forbidden"))
		}
		if len(e.refused) != maxRefused {
			t.Errorf("%d refusals are remembered", len(e.refused))
		}
		time.Sleep(eventsRefusedFor + eventsForgotten)
		if e.of(granted); len(e.refused) != 0 {
			t.Errorf("%d refusals are still remembered", len(e.refused))
		}
	})
}

// Pods about which nothing asks any more are forgotten, and no more than a limit are remembered.
func TestWaitingPodsAreForgotten(t *testing.T) {
	testWaitEvents(t, func(t *testing.T, e *eventsTest) {
		for i := range maxEventPods + 500 {
			e.of(remoteUID(fmt.Sprint(i)))
		}
		if len(e.pods) != maxEventPods {
			t.Errorf("%d pods are remembered", len(e.pods))
		}
		time.Sleep(2 * eventsForgotten)
		if e.of(remoteUID("new")); len(e.pods) != 1 {
			t.Errorf("%d pods are still remembered", len(e.pods))
		}
	})
}

// Close ends a request that hangs, and none begins afterwards.
func TestCloseEndsTheLookAtEvents(t *testing.T) {
	testWaitEvents(t, func(t *testing.T, e *eventsTest) {
		e.answer = func(ctx context.Context, _ *corev1.Pod) (string, error) {
			<-ctx.Done()
			return "", errors.Join(errdefs.New(errdefs.Canceled, "closed"), ctx.Err())
		}
		e.askFor("a", 16*time.Second)
		synctest.Wait()
		e.close()
		calls := e.sent()
		if e.askFor("a", 2*time.Minute); calls != 1 || e.sent() != 1 {
			t.Errorf("%d requests were sent", e.sent())
		}
	})
}
