package quotawait

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func refusedFor(t *testing.T, requested, used, limited string) refusal {
	t.Helper()
	r, ok := parseRefusal("exceeded quota: q, requested: " + requested + ", used: " + used + ", limited: " + limited)
	if !ok {
		t.Fatal("not a refusal")
	}
	return r
}

// Pods block each other only if nothing but stored requests keeps the first of them out.
func TestAreBlocked(t *testing.T) {
	secrets := refusedFor(t, "secrets=1", "secrets=3", "secrets=3")
	for _, test := range []struct {
		name    string
		waiting []entry
		stored  int
		want    bool
	}{
		{"none waits", nil, 0, false},
		{"one, kept out by its own request", []entry{{lastRefusal: secrets}}, 1, true},
		{"two", []entry{{lastRefusal: secrets}, {lastRefusal: secrets}}, 2, true},
		{"a count of ConfigMaps", []entry{{lastRefusal: refusedFor(t, "count/configmaps=1", "count/configmaps=5", "count/configmaps=5")}}, 1, true},
		{"others use all of it", []entry{{lastRefusal: refusedFor(t, "secrets=1", "secrets=5", "secrets=3")}}, 2, false},
		{"one is refused for another reason", []entry{{lastRefusal: secrets}, {lastRefusal: refusedFor(t, "pods=1", "pods=1", "pods=1")}}, 2, false},
		{"one is not tried yet", []entry{{lastRefusal: secrets}, {}}, 2, false},
		{"a replica works on one", []entry{{lastRefusal: secrets}, {lastRefusal: secrets, state: state{holder: "other"}}}, 2, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := areBlocked(test.waiting, test.stored); got != test.want {
				t.Errorf("blocked: %v, want %v", got, test.want)
			}
		})
	}
}

// markers is a remote namespace with the markers of pods that wait, and with other pods.
type markers struct {
	Cluster
	pods    []*corev1.Pod
	listed  int
	failure error
	ended   map[string]string
	held    map[string]bool
}

func (m *markers) Get(_ context.Context, object metav1.Object) (metav1.Object, error) {
	marker := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName(), Annotations: map[string]string{}}}
	if m.held[object.GetName()] {
		marker.Annotations[wire.AnnotationHolder] = "another replica"
	}
	return marker, nil
}

func (m *markers) AnnotateConfigMap(_ context.Context, marker *corev1.ConfigMap, change map[string]any, unchanged bool) error {
	if !unchanged {
		return errdefs.New(errdefs.Internal, "a change without a precondition")
	}
	m.ended[marker.Name] = change[wire.AnnotationWaitEnded].(string)
	return nil
}

func (m *markers) EachPod(_ context.Context, _, selector string, each func(*corev1.Pod) error) error {
	m.listed++
	if selector != scope.Selector() {
		return errdefs.New(errdefs.Internal, "selector %s", selector)
	}
	for _, pod := range m.pods {
		if err := each(pod); err != nil {
			return err
		}
	}
	return m.failure
}

// The youngest pod fails after a time in which nothing else could free room.
func TestEndBlock(t *testing.T) {
	running := &corev1.Pod{}
	rolledBack := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &metav1.Time{}}}
	stops := rolledBack.DeepCopy()
	stops.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	for _, test := range []struct {
		name    string
		change  func(*markers)
		between func(*Waiting, *markers, entry, *block) // after half of the time
		want    string
		blocked bool
	}{
		{name: "they block each other", want: "young", blocked: true},
		{name: "with the pod of a try", change: func(m *markers) { m.pods = []*corev1.Pod{rolledBack} }, want: "young", blocked: true},
		{name: "a pod may end", change: func(m *markers) { m.pods = []*corev1.Pod{running} }},
		{name: "a pod is about to end", change: func(m *markers) { m.pods = []*corev1.Pod{rolledBack, stops} }},
		{name: "no answer", change: func(m *markers) { m.failure = errdefs.New(errdefs.Unavailable, "no answer") }},
		{name: "a replica has begun with it", change: func(m *markers) { m.held = map[string]bool{"young": true} }, blocked: true},
		{name: "another pod came", between: func(w *Waiting, _ *markers, e entry, _ *block) {
			w.index.put(key{"remote", "younger"}, e.state, time.Now())
		}},
		{name: "there was room", between: func(w *Waiting, _ *markers, e entry, _ *block) {
			e.refusal = "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"
			w.index.put(key{"remote", "old"}, e.state, time.Now())
		}},
		{name: "there was room for a moment", between: func(w *Waiting, _ *markers, e entry, b *block) {
			secrets := e.refusal
			e.refusal = "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"
			w.index.put(key{"remote", "old"}, e.state, time.Now())
			w.endBlock(context.Background(), "remote", b)
			e.refusal = secrets
			w.index.put(key{"remote", "old"}, e.state, time.Now())
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &markers{ended: map[string]string{}}
				if test.change != nil {
					test.change(m)
				}
				w := New(m, Options{Log: slog.New(slog.DiscardHandler), CreateTimeout: time.Minute})
				refused := "exceeded quota: q, requested: secrets=1, used: secrets=3, limited: secrets=3"
				w.index.put(key{"remote", "young"}, state{uid: "2", since: time.Now().Add(time.Second), refusal: refused}, time.Now())
				w.index.put(key{"remote", "old"}, state{uid: "1", since: time.Now(), refusal: refused}, time.Now())
				w.index.put(key{"other", "youngest"}, state{uid: "3", since: time.Now().Add(time.Minute), refusal: refused}, time.Now())
				var b block
				w.endBlock(t.Context(), "remote", &b)
				time.Sleep(w.timing.blocked / 2)
				if test.between != nil {
					e, _ := w.index.find(key{"remote", "young"})
					test.between(w, m, e, &b)
				}
				w.endBlock(t.Context(), "remote", &b)
				if m.listed > 0 || len(m.ended) > 0 {
					t.Errorf("too early: %d lists, ended %v", m.listed, m.ended)
				}
				time.Sleep(w.timing.blocked/2 + time.Second)
				w.endBlock(t.Context(), "remote", &b)
				if len(m.ended) > 1 || (len(m.ended) == 1) != (test.want != "") || test.want != "" && !strings.HasPrefix(m.ended[test.want], refused+": ") {
					t.Errorf("ended: %v, want %q", m.ended, test.want)
				}
				if w.isBlocked("remote") != test.blocked || w.isBlocked("other") {
					t.Errorf("blocked: %v", w.blocked)
				}
				m.pods = []*corev1.Pod{running}
				w.endBlock(t.Context(), "remote", &b)
				if m.failure == nil && w.isBlocked("remote") {
					t.Error("a pod was created, and no pod may wait")
				}
			})
		})
	}
}
