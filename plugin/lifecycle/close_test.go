package lifecycle

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// hangingCluster is a cluster that does not answer.
type hangingCluster struct {
	Cluster
	asked chan string
}

func (c hangingCluster) Pod(ctx context.Context, _, name string) (*corev1.Pod, error) {
	c.asked <- name
	<-ctx.Done()
	return nil, ctx.Err()
}

// The plugin stops while the API server does not answer. What is only tidied up does not
// delay its end: the garbage collector does it too.
func TestCloseDoesNotWaitForWhatTheCollectorDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		remote := hangingCluster{asked: make(chan string, 2*ownedWorkers)}
		l := New(remote, Options{Log: testkit.NewLog(t).Logger()})
		for range ownedWorkers + 1 { // one more waits for its turn
			l.HandlePodGone(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{
				Name: "pod", Annotations: map[string]string{wire.AnnotationOwned: "configmaps/app"},
			}})
		}
		time.Sleep(collectorFirst)
		synctest.Wait()
		if len(remote.asked) != ownedWorkers {
			t.Fatalf("%d requests hang, want %d: the test checks nothing", len(remote.asked), ownedWorkers)
		}
		stopping := time.Now()
		l.Close(context.Background())
		if took := time.Since(stopping); took != 0 {
			t.Errorf("Close waited %s", took)
		}
	})
}

// The watch of pods may still report one that is gone while the plugin stops. Its objects are
// left to the garbage collector: nothing waits for a worker that starts now.
func TestPodThatIsGoneAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		remote := hangingCluster{asked: make(chan string, 1)}
		l := New(remote, Options{Log: testkit.NewLog(t).Logger()})
		l.Close(context.Background())
		l.HandlePodGone(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: "pod", Annotations: map[string]string{wire.AnnotationOwned: "configmaps/app"},
		}})
		time.Sleep(collectorFirst)
		synctest.Wait()
		if len(remote.asked) > 0 {
			t.Error("a worker has started after Close")
		}
		l.Close(context.Background()) // so that such a worker ends
	})
}

// A Lifecycle that has nothing to do ends at once, also if it has done something before.
func TestCloseWithNothingToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(hangingCluster{}, Options{Log: testkit.NewLog(t).Logger()})
		done := func(context.Context) error { return nil }
		l.retries.add("uid", job{name: "delete", log: l.log, run: done})
		l.sweeps.add("uid", job{name: "sweep", log: l.log, run: done})
		synctest.Wait()
		stopping := time.Now()
		l.Close(context.Background())
		if took := time.Since(stopping); took != 0 {
			t.Errorf("Close waited %s", took)
		}
	})
}
