package quotawait

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// slowQuota is a remote namespace for one pod, whose ConfigMaps are used up. The try of a pod creates
// it, is refused a ConfigMap, and deletes the pod; the quota counts the pod for a while after that.
type slowQuota struct {
	Cluster
	lag     time.Duration
	changed func() // is called when the quota changes

	mu      sync.Mutex
	markers map[string]*corev1.ConfigMap
	secrets map[string]*corev1.Secret
	until   time.Time // the quota counts a pod until then
	ended   []string  // the local pods that failed
}

func (c *slowQuota) Get(_ context.Context, object metav1.Object) (metav1.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := object.(*corev1.ConfigMap); ok {
		return c.markers[object.GetName()].DeepCopy(), nil
	}
	return c.secrets[object.GetName()], nil
}

func (c *slowQuota) AnnotateConfigMap(_ context.Context, marker *corev1.ConfigMap, change map[string]any, _ bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	annotations := c.markers[marker.Name].Annotations
	for name, value := range change {
		text, _ := value.(string)
		annotations[name] = text
		if name == wire.AnnotationWaitEnded {
			c.ended = append(c.ended, annotations[wire.AnnotationSourceName])
		}
	}
	return nil
}

func (c *slowQuota) Delete(context.Context, metav1.Object, *int64, bool) error { return nil }

func (c *slowQuota) EachPod(context.Context, string, string, func(*corev1.Pod) error) error {
	return nil
}

func (c *slowQuota) IsDeleted(string) bool { return false }

func (c *slowQuota) CreateStored(context.Context, *wire.CreateRequest, func(context.Context) (bool, error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	resource := "count/configmaps"
	if time.Now().Before(c.until) {
		resource = "pods"
	} else {
		c.until = time.Now().Add(c.lag)
		c.changed()
		time.AfterFunc(c.lag, c.changed)
	}
	return errdefs.New(errdefs.OverQuota, "exceeded quota: q, requested: %[1]s=1, used: %[1]s=3, limited: %[1]s=3", resource)
}

// withPods returns a Waiting with pods that wait, the longest waiting first.
func (c *slowQuota) withPods(t *testing.T, names ...string) *Waiting {
	c.markers, c.secrets = map[string]*corev1.ConfigMap{}, map[string]*corev1.Secret{}
	w := New(c, Options{Scope: scope.Scope{Namespace: "remote", Instance: "test"}, Log: slog.New(slog.DiscardHandler), CreateTimeout: time.Minute})
	for n, name := range names {
		request := &wire.CreateRequest{Pod: corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "local", Name: name, UID: types.UID("uid-" + name)}}}
		secret, err := newSecret(w.options.Scope, request)
		if err != nil {
			t.Fatal(err)
		}
		marker := newMarker(w.options.Scope, &request.Pod, nil, time.Now().Add(time.Duration(n)*time.Second), "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1")
		c.secrets[secret.Name], c.markers[marker.Name] = secret, marker
		w.index.put(keyOf(w.options.Scope, &request.Pod), stateOf(marker), time.Now())
	}
	return w
}

// Pods that block each other are found, also if the quota counts the pods of their tries for up to a minute: the
// one that waits longest does not keep the others from being refused for the ConfigMaps.
func TestBlockIsFoundAlthoughAQuotaCountsLate(t *testing.T) {
	for _, lag := range []time.Duration{10 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second, 4 * time.Second, 8 * time.Second, 20 * time.Second, 40 * time.Second, 59 * time.Second} {
		t.Run(lag.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &slowQuota{lag: lag}
				w := c.withPods(t, "oldest", "middle", "youngest")
				woken := make(chan struct{}, 1)
				c.changed = func() { notify(woken) }
				ctx, cancel := context.WithCancel(t.Context())
				var worker sync.WaitGroup
				worker.Go(func() { w.work(ctx, c, "remote", woken) })
				// Each of the other pods is tried once the quota does not count the pod of the try before any more. The next
				// one fails later.
				time.Sleep(2*w.timing.blocked + 2*lag - time.Second)
				cancel()
				worker.Wait()
				if want := []string{"youngest"}; !slices.Equal(c.ended, want) {
					t.Errorf("these pods failed: %q, want %q", c.ended, want)
				}
			})
		})
	}
}

// mixedQuota is a namespace whose quota has no room for the ConfigMaps of one pod and the CPU of another one. The
// other pods fit, if free does not say since when.
type mixedQuota struct {
	slowQuota
	began time.Time
	free  map[string]time.Duration
	tries map[string][]time.Duration // of the pods, since began
}

func (c *mixedQuota) CreateStored(_ context.Context, request *wire.CreateRequest, _ func(context.Context) (bool, error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	name, now := request.Pod.Name, time.Since(c.began)
	c.tries[name] = append(c.tries[name], now)
	switch resource := map[string]string{"configmaps": "count/configmaps", "cpu": "requests.cpu"}[name]; {
	case resource != "":
		return errdefs.New(errdefs.OverQuota, "exceeded quota: q, requested: %[1]s=1, used: %[1]s=3, limited: %[1]s=3", resource)
	case now < c.free[name]:
		return errdefs.New(errdefs.OverQuota, "exceeded quota: q, requested: memory=1, used: memory=3, limited: memory=3")
	}
	return nil
}

// A pod that is refused because of ConfigMaps, and another one that is really refused because of something else, do not
// keep the pods behind them waiting: these are created when there is room.
func TestPodsThatFitAreCreatedAlthoughAQuotaMayCountLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &mixedQuota{began: time.Now(), free: map[string]time.Duration{"later": 20 * time.Second}, tries: map[string][]time.Duration{}}
		w := c.withPods(t, "configmaps", "cpu", "fits", "later")
		woken := make(chan struct{}, 1)
		ctx, cancel := context.WithCancel(t.Context())
		var worker sync.WaitGroup
		worker.Go(func() { w.work(ctx, c, "remote", woken) })
		time.Sleep(c.free["later"])
		notify(woken) // the quota has changed
		time.Sleep(2*time.Minute - c.free["later"])
		cancel()
		worker.Wait()

		// The first pass waits once until the quota mostly does not count the pod of a try any more.
		if tries := c.tries["fits"]; len(tries) != 1 || tries[0] > 2*w.timing.recount {
			t.Errorf("the pod that fits was tried at %v", tries)
		}
		if tries := c.tries["later"]; tries[len(tries)-1] > c.free["later"]+w.timing.minPause {
			t.Errorf("the pod that fits later was tried at %v", tries)
		}
		if tries := c.tries["configmaps"]; len(tries) < 2 {
			t.Errorf("the pod with ConfigMaps was tried at %v", tries)
		}
		if tries, most := c.tries["cpu"], int(2*time.Minute/w.timing.recount); len(tries) > most {
			t.Errorf("the pod with too much CPU was tried at %v", tries)
		}
	})
}
