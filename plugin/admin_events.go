package plugin

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
)

const (
	// pageEventsTimeout limits one look at the events of a pod.
	pageEventsTimeout = 3 * time.Second
	// pageEventsAge is how old the events on the page may be: the page asks for them every few seconds.
	pageEventsAge = 10 * time.Second
	// maxPageEvents limits the pods whose events are kept, and maxEventsShown the events of one pod.
	maxPageEvents, maxEventsShown = 16, 50
)

// saidByTheCluster are the reasons of events whose messages components of the cluster write without the words of a
// user's program: see saidByTheKubelet. The message of an event of a failed probe has the output of the probe.
var saidByTheCluster = []string{
	"Scheduled", "FailedScheduling", "NotTriggerScaleUp", "TriggeredScaleUp", "Preempted", "Pulling", "Pulled", "BackOff", "ErrImageNeverPull", "InspectFailed",
	"Created", "Started", "Killing", "Evicted", "NodeNotReady", "TaintManagerEviction", "FailedMount", "FailedAttachVolume",
	"SuccessfulAttachVolume", "FailedCreatePodSandBox", "NetworkNotReady",
}

// podEvents reads the events of pods for the page. The zero value needs list and log.
type podEvents struct {
	list func(context.Context, *corev1.Pod) ([]corev1.Event, error)
	log  *slog.Logger

	mu   sync.Mutex
	kept map[types.UID]keptEvents
}

type keptEvents struct {
	at      time.Time
	events  []corev1.Event
	failure string
}

// of returns the events of a remote pod, or why they cannot be read.
func (e *podEvents) of(ctx context.Context, pod *corev1.Pod, now time.Time) (events []corev1.Event, failure string) {
	e.mu.Lock()
	kept, ok := e.kept[pod.UID]
	e.mu.Unlock()
	if ok && now.Sub(kept.at) < pageEventsAge {
		return kept.events, kept.failure
	}
	limited, cancel := context.WithTimeout(ctx, pageEventsTimeout)
	defer cancel()
	events, err := e.list(limited, pod)
	if err != nil && ctx.Err() != nil { // the reader is gone
		return nil, "the request has ended"
	}
	failure = whyNotListed(limited, err, "events")
	if err != nil {
		e.log.Debug("the admin page shows no events of a pod", "namespace", pod.Namespace, "name", pod.Name, "error", err)
		events = nil
	}
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return status.LastSeen(&b).Compare(status.LastSeen(&a)) })
	events = events[:min(len(events), maxEventsShown)]
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.kept == nil || len(e.kept) >= maxPageEvents {
		e.kept = map[types.UID]keptEvents{}
	}
	e.kept[pod.UID] = keptEvents{at: now, events: events, failure: failure}
	return events, failure
}

// whyNotListed returns why a list for the page has failed, in words without those of the remote API server; "" if it has not.
// ctx is that of the list, with pageEventsTimeout.
func whyNotListed(ctx context.Context, err error, what string) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "the remote API server did not answer within " + pageEventsTimeout.String()
	case errdefs.Is(err, errdefs.Refused):
		return "the remote cluster does not permit the plugin to list " + what
	}
	return "the remote API server did not answer as it should; the log of the plugin says more, at level DEBUG"
}

// pageEvent returns an event as the page shows it.
func pageEvent(event *corev1.Event) admin.Event {
	shown := admin.Event{Last: status.LastSeen(event), Count: max(1, int(event.Count)), Reason: event.Reason, Level: admin.Fine}
	if event.Series != nil {
		shown.Count = max(shown.Count, int(event.Series.Count))
	}
	if event.Type == corev1.EventTypeWarning {
		shown.Level = admin.Warn
	}
	if slices.Contains(saidByTheCluster, event.Reason) {
		shown.Message = strings.TrimSpace(event.Message)
	}
	return shown
}
