package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// An event of a probe has the output of the probe: its message is not shown.
func TestEventsThatMayHoldOutputOfAProgram(t *testing.T) {
	for reason, shown := range map[string]bool{"Pulled": true, "FailedScheduling": true, "BackOff": true, "Unhealthy": false, "Failed": false, "FailedPostStartHook": false, "Custom": false} {
		event := pageEvent(&corev1.Event{Reason: reason, Message: programSecret, Type: corev1.EventTypeWarning})
		if (event.Message == programSecret) != shown || event.Level != admin.Warn || event.Count != 1 {
			t.Errorf("%s: the event is %+v", reason, event)
		}
	}
}

func TestEventsOfAPodAreReadWithinATime(t *testing.T) {
	pod := pagePod(func(*corev1.Pod) {})
	for name, test := range map[string]struct {
		list    func(context.Context, *corev1.Pod) ([]corev1.Event, error)
		failure string
	}{
		"all": {func(context.Context, *corev1.Pod) ([]corev1.Event, error) { return make([]corev1.Event, 200), nil }, ""},
		"refused": {func(context.Context, *corev1.Pod) ([]corev1.Event, error) {
			return nil, errdefs.New(errdefs.Refused, programSecret)
		}, "does not permit"},
		"broken": {func(context.Context, *corev1.Pod) ([]corev1.Event, error) { return nil, errors.New(programSecret) }, "did not answer as it should"},
		"silent": {func(ctx context.Context, _ *corev1.Pod) ([]corev1.Event, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, "did not answer within 3s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				e := podEvents{log: testkit.NewLog(t).Logger(), list: func(ctx context.Context, pod *corev1.Pod) ([]corev1.Event, error) {
					calls++
					return test.list(ctx, pod)
				}}
				for range 3 { // three looks within ten seconds are one request
					events, failure := e.of(t.Context(), pod, pageNow)
					if (failure == "") != (test.failure == "") || !strings.Contains(failure, test.failure) || strings.Contains(failure, programSecret) || len(events) > maxEventsShown {
						t.Errorf("%d events, failure %q", len(events), failure)
					}
				}
				e.of(t.Context(), pod, pageNow.Add(pageEventsAge))
				if calls != 2 {
					t.Errorf("the events are read %d times, want 2", calls)
				}
				for i := range 100 {
					other := pagePod(func(p *corev1.Pod) { p.UID = types.UID(fmt.Sprint(i)) })
					e.of(t.Context(), other, pageNow)
				}
				if len(e.kept) > maxPageEvents {
					t.Errorf("the events of %d pods are kept", len(e.kept))
				}
			})
		})
	}
}
