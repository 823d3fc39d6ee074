package quotawait

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// refusing is a full remote cluster: it has stored requests, and refuses their pods.
type refusing struct {
	Cluster
	stored  map[string]*wire.CreateRequest // by the name of the marker
	refusal map[string]string              // by the name of the pod
	tried   []string
}

func (c *refusing) Get(_ context.Context, object metav1.Object) (metav1.Object, error) {
	request := c.stored[object.GetName()]
	meta := metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName(), Labels: map[string]string{wire.LabelStoredRequest: string(request.Pod.UID)}}
	if _, ok := object.(*corev1.ConfigMap); ok {
		return &corev1.ConfigMap{ObjectMeta: meta}, nil
	}
	data, err := json.Marshal(request)
	return &corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{requestKey: data}}, err
}

func (c *refusing) AnnotateConfigMap(context.Context, *corev1.ConfigMap, map[string]any, bool) error {
	return nil
}

func (c *refusing) IsDeleted(string) bool { return false }

func (c *refusing) CreateStored(_ context.Context, request *wire.CreateRequest, _ func(context.Context) (bool, error)) error {
	c.tried = append(c.tried, request.Pod.Name)
	return errdefs.New(errdefs.OverQuota, "%s", c.refusal[request.Pod.Name])
}

// A pod that asks for at least as much as one that was refused a moment ago is not tried. The status of those
// that were tried has the words of the latest refusal.
func TestTryAll(t *testing.T) {
	words := func(requested, used string) string {
		return "exceeded quota: q, requested: requests.cpu=" + requested + ", used: requests.cpu=" + used + ", limited: requests.cpu=4"
	}
	c := &refusing{stored: map[string]*wire.CreateRequest{}, refusal: map[string]string{"a": words("2", "3"), "small": words("1", "4")}}
	w := New(c, Options{Scope: scope.Scope{Namespace: "remote"}, Log: slog.New(slog.DiscardHandler), CreateTimeout: time.Minute})
	for n, pod := range []struct{ name, requested string }{{"a", "2"}, {"same", "2"}, {"more", "3"}, {"small", "1"}} {
		request := &wire.CreateRequest{Pod: corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "local", Name: pod.name, UID: types.UID("uid-" + pod.name)}}}
		k := keyOf(w.options.Scope, &request.Pod)
		c.stored[k.name] = request
		since := time.Now().Add(time.Duration(n) * time.Second)
		w.index.put(k, state{uid: string(request.Pod.UID), since: since, refusal: words(pod.requested, "4")}, time.Now())
	}
	if w.tryAll(t.Context(), c, "remote", new(round)) {
		t.Error("a pod waits no more")
	}
	if want := []string{"a", "small"}; !slices.Equal(c.tried, want) {
		t.Errorf("tried %v, want %v", c.tried, want)
	}
	for name, want := range map[string]string{"a": words("2", "3"), "same": words("2", "4")} {
		if state, ok := w.Cached(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "local", Name: name, UID: types.UID("uid-" + name)}}); !ok || state.Message != want {
			t.Errorf("pod %s: %+v, want the message %q", name, state, want)
		}
	}
}

// A marker that this replica writes while it lists the markers stays, also if the list does not have it; one that it
// wrote before is gone.
func TestListOfMarkersIsOlder(t *testing.T) {
	var x index
	before, during := key{"remote", "before"}, key{"remote", "during"}
	x.put(before, state{uid: "1"}, time.Now())
	version := x.version()
	x.put(during, state{uid: "2"}, time.Now())
	x.replace(nil, version, time.Now())
	if keys := x.keys(""); !slices.Equal(keys, []key{during}) {
		t.Errorf("known: %v", keys)
	}
}

// The Secret of a pod that can never be created is deleted once; a marker that is gone meanwhile changes nothing.
func TestSettle(t *testing.T) {
	var x index
	there, gone := key{"remote", "there"}, key{"remote", "gone"}
	x.put(there, state{uid: "1", ended: "refused"}, time.Now())
	x.settle(there)
	x.settle(gone)
	if e, ok := x.find(there); !ok || !e.settled {
		t.Errorf("the entry is %+v", e)
	}
	if _, ok := x.find(gone); ok {
		t.Error("a marker that is gone is known")
	}
}

// The counts are those of the pods that wait, without those whose wait has ended.
func TestStats(t *testing.T) {
	w := New(nil, Options{})
	if pods, oldest := w.Stats(); pods != 0 || !oldest.IsZero() {
		t.Errorf("none waits: %d, %v", pods, oldest)
	}
	since := time.Now()
	w.index.put(key{"remote", "ended"}, state{uid: "1", since: since.Add(-time.Hour), ended: "refused"}, since)
	w.index.put(key{"remote", "young"}, state{uid: "2", since: since.Add(time.Hour)}, since)
	w.index.put(key{"other", "old"}, state{uid: "3", since: since}, since)
	if pods, oldest := w.Stats(); pods != 2 || !oldest.Equal(since) {
		t.Errorf("two wait: %d, %v", pods, oldest)
	}
}
