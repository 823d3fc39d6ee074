package lifecycle_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/claimrules"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// keepingCluster is a remote cluster whose pod cache has each pod that was created at once. It needs no network.
type keepingCluster struct {
	emptyCluster
	mu      sync.Mutex
	pods    map[string]*corev1.Pod // by local UID
	created int
}

func (c *keepingCluster) CachedPod(uid string) *corev1.Pod {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pods[uid].DeepCopy()
}

func (c *keepingCluster) Create(_ context.Context, object metav1.Object) (metav1.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if pod, ok := object.(*corev1.Pod); ok {
		kept := pod.DeepCopy()
		kept.Status.Phase = corev1.PodRunning
		kept.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
		c.pods[pod.Labels[wire.LabelPodUID]], c.created = kept, c.created+1
	}
	return object, nil
}

func (c *keepingCluster) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.created
}

// inMaintenance runs a test with a virtual clock and a Lifecycle whose remote cluster is in maintenance.
func inMaintenance(t *testing.T, test func(t *testing.T, l *lifecycle.Lifecycle, cluster *keepingCluster)) {
	synctest.Test(t, func(t *testing.T) {
		cluster := &keepingCluster{pods: map[string]*corev1.Pod{}}
		l := lifecycle.New(cluster, lifecycle.Options{CreateTimeout: 100 * time.Second, Maintenance: true, Log: slog.New(slog.DiscardHandler)})
		defer l.Close(t.Context())
		test(t, l, cluster)
	})
}

// answer is that of a create, and when it came.
type answer struct {
	wire.CreateResponse
	err   error
	after time.Duration
}

// startCreate sends a create, and returns when it waits or is answered.
func startCreate(t *testing.T, l *lifecycle.Lifecycle, r *wire.CreateRequest) <-chan answer {
	t.Helper()
	answered, begin := make(chan answer, 1), time.Now()
	go func() {
		response, err := l.Create(t.Context(), r)
		answered <- answer{response, err, time.Since(begin)}
	}()
	synctest.Wait()
	return answered
}

// A create waits for four fifths of its timeout, and is then refused in words. Nothing is created, it holds no turn, and its
// status says why it waits.
func TestAMaintenanceRefusesAfterAWhile(t *testing.T) {
	inMaintenance(t, func(t *testing.T, l *lifecycle.Lifecycle, cluster *keepingCluster) {
		r := plainRequest()
		answered := startCreate(t, l, r)
		time.Sleep(79 * time.Second)
		states, err := l.Status(t.Context(), []corev1.Pod{r.Pod})
		if err != nil || len(states) != 1 || states[0].Containers[0].State.Waiting == nil || states[0].Containers[0].State.Waiting.Reason != status.ReasonMaintenance {
			t.Errorf("the status is %+v, %v", states, err)
		}
		if l.HeldCreates() != 0 || l.WaitingCreates() != 0 {
			t.Errorf("%d creates hold a turn, and %d wait for one", l.HeldCreates(), l.WaitingCreates())
		}
		got := <-answered
		if !errdefs.Is(got.err, errdefs.Unavailable) || !strings.Contains(got.err.Error(), "is in maintenance, and takes no new pods") || got.after != 80*time.Second {
			t.Errorf("after %s, the answer is %v", got.after, got.err)
		}
		if cluster.count() != 0 {
			t.Error("a pod is created")
		}
	})
}

// When the maintenance ends, the pods that wait are created, with the options of then. Another change meanwhile ends no wait.
func TestAPodIsCreatedAfterAMaintenance(t *testing.T) {
	inMaintenance(t, func(t *testing.T, l *lifecycle.Lifecycle, cluster *keepingCluster) {
		r := plainRequest()
		answered := startCreate(t, l, r)
		site := l.Site()
		l.SetSite(site)
		time.Sleep(79 * time.Second)
		if cluster.count() != 0 {
			t.Fatal("a pod is created during the maintenance")
		}
		site.Maintenance, site.Translate.RuntimeClass = false, "kata"
		l.SetSite(site)
		got := <-answered
		if got.err != nil || got.after != 79*time.Second {
			t.Fatalf("after %s, the answer is %v", got.after, got.err)
		}
		if pod := cluster.CachedPod(string(r.Pod.UID)); pod.Spec.RuntimeClassName == nil || *pod.Spec.RuntimeClassName != "kata" {
			t.Error("the pod has the options of the time when its create came")
		}
	})
}

// A delete ends the wait at once, and nothing is created.
func TestADeleteEndsTheWaitForAMaintenance(t *testing.T) {
	inMaintenance(t, func(t *testing.T, l *lifecycle.Lifecycle, cluster *keepingCluster) {
		r := plainRequest()
		answered := startCreate(t, l, r)
		time.Sleep(time.Minute)
		pod := localPod(r, "")
		if err := l.Delete(t.Context(), &pod); err != nil {
			t.Errorf("the delete returned %v", err)
		}
		if got := <-answered; !errdefs.Is(got.err, errdefs.Canceled) || got.after != time.Minute {
			t.Errorf("after %s, the answer is %v", got.after, got.err)
		}
		l.SetSite(lifecycle.Site{})
		synctest.Wait()
		if cluster.count() != 0 {
			t.Error("a pod is created after its delete")
		}
	})
}

// A second create of a pod that waits has a wait of its own. One that comes when the pod exists is answered at once.
func TestASecondCreateDuringAMaintenance(t *testing.T) {
	for _, test := range []struct {
		name          string
		ends          time.Duration // the maintenance
		first, second time.Duration // when the answers come, after their requests
		created       int
	}{
		{"both wait", 70 * time.Second, 70 * time.Second, 20 * time.Second, 1},
		{"the first one is refused", 90 * time.Second, 80 * time.Second, 40 * time.Second, 1},
		{"both are refused", time.Hour, 80 * time.Second, 80 * time.Second, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			inMaintenance(t, func(t *testing.T, l *lifecycle.Lifecycle, cluster *keepingCluster) {
				r := plainRequest()
				first := startCreate(t, l, r)
				time.AfterFunc(test.ends, func() { l.SetSite(lifecycle.Site{}) })
				time.Sleep(50 * time.Second)
				second := startCreate(t, l, r)
				one, other := <-first, <-second
				if one.after != test.first || other.after != test.second || (one.err == nil) != (test.first == test.ends) || (other.err == nil) != (test.created == 1) || cluster.count() != test.created {
					t.Errorf("after %s: %v, after %s: %v; created %d times", one.after, one.err, other.after, other.err, cluster.count())
				}
			})
		})
	}
	inMaintenance(t, func(t *testing.T, l *lifecycle.Lifecycle, cluster *keepingCluster) {
		r := plainRequest()
		site := l.Site()
		l.SetSite(lifecycle.Site{})
		first := <-startCreate(t, l, r)
		l.SetSite(site)
		second := <-startCreate(t, l, r)
		if second.err != nil || second.after != 0 || second.CreateResponse != first.CreateResponse || cluster.count() != 1 {
			t.Errorf("the second create is answered %+v after the first one was %+v", second, first)
		}
	})
}

// A plugin that ends lets no create wait for a maintenance.
func TestTheEndOfTheProcessEndsTheWaitForAMaintenance(t *testing.T) {
	inMaintenance(t, func(t *testing.T, l *lifecycle.Lifecycle, cluster *keepingCluster) {
		answered := startCreate(t, l, plainRequest())
		l.AnswerNow()
		if got := <-answered; !errdefs.Is(got.err, errdefs.Unavailable) || !strings.Contains(got.err.Error(), "in maintenance") || got.after != 0 {
			t.Errorf("after %s, the answer is %v", got.after, got.err)
		}
	})
}

// unsyncedMaintenance is the remote cluster of a plugin that has started while the remote API server was away.
type unsyncedMaintenance struct{ emptyCluster }

func (unsyncedMaintenance) Synced() bool { return false }

// Also a create that fails before it waits says that a maintenance is on.
func TestAFailureDuringAMaintenanceNamesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lifecycle.New(unsyncedMaintenance{}, lifecycle.Options{CreateTimeout: 100 * time.Second, Maintenance: true, Log: slog.New(slog.DiscardHandler)})
		defer l.Close(t.Context())
		if got := <-startCreate(t, l, plainRequest()); !errdefs.Is(got.err, errdefs.Unavailable) || !strings.Contains(got.err.Error(), "in maintenance") {
			t.Errorf("the answer is %v", got.err)
		}
	})
}

// A pod that exists, and has not started, is completed during a maintenance, as its create began before; the rules for claims are
// those of the last reload.
func TestAnInterruptedPodIsCompletedDuringAMaintenance(t *testing.T) {
	e := newEnv(t)
	r := withClaim("data", "data-db-1")
	parsed, err := claimrules.Parse([]byte(strings.ReplaceAll(ofStatefulSet, "POLICY", "delete")))
	e.must(err)
	site := e.Site()
	site.Translate.ClaimRules = parsed
	e.SetSite(site)
	e.create(r)
	e.eventually("the pod cache has the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) != nil })
	claims := e.admin.CoreV1().PersistentVolumeClaims(e.namespace)
	_, err = claims.Patch(t.Context(), "data-db-1.demo", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	e.must(err)
	e.must(claims.Delete(t.Context(), "data-db-1.demo", metav1.DeleteOptions{}))
	site.Maintenance = true
	e.SetSite(site)
	e.create(r)
	if got := e.claimNames(); len(got) != 1 {
		t.Errorf("there are the claims %q", got)
	}
}
