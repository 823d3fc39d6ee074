package quotawait_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// unansweredHold is a connection on which the first request to hold a pod that waits is carried out, but
// its answer does not come before the request ends.
type unansweredHold struct {
	next http.RoundTripper
	once sync.Once
	held chan struct{}
}

func (u *unansweredHold) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := u.next.RoundTrip(r)
	if err == nil && r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/configmaps/") {
		u.once.Do(func() {
			close(u.held)
			<-r.Context().Done()
			_ = response.Body.Close()
			response, err = nil, r.Context().Err()
		})
	}
	return response, err
}

// A replica that stops while its request to hold a pod has no answer does not let the pod wait until the hold
// ends by itself.
func TestStopWhileAHoldHasNoAnswer(t *testing.T) {
	e := newEnv(t, "pods=1")
	link := &unansweredHold{held: make(chan struct{})}
	r := e.start(func(s *settings) {
		s.config.Wrap(func(next http.RoundTripper) http.RoundTripper { link.next = next; return link })
	})
	first, second := e.request("first", false), e.request("second", false)
	r.create(first)
	r.create(second)
	testkit.Receive(t, "a hold without an answer", link.held)
	r.stop()
	e.end(first)
	e.start()
	e.eventuallyHas(e.created(second)...)
}

// A replica that stops cannot let go of a pod, because a request for it fails. The pod is created by another
// replica, when the hold has ended by itself.
func TestHoldThatIsNotReleased(t *testing.T) {
	for _, failing := range []string{"GET configmaps/name", "PATCH configmaps/name"} {
		t.Run(failing, func(t *testing.T) {
			e := newEnv(t, "pods=1")
			link := &unansweredHold{held: make(chan struct{})}
			taken, failed := false, false
			r := e.start(func(s *settings) {
				s.config.Wrap(func(next http.RoundTripper) http.RoundTripper { link.next = next; return link })
				s.choose = func(_ int, call string) faulty.Fault {
					if taken && call == failing {
						failed = true
						return faulty.Broken
					}
					taken = taken || call == "PATCH configmaps/name"
					return ""
				}
			})
			first, second := e.request("first", false), e.request("second", false)
			r.create(first)
			r.create(second)
			testkit.Receive(t, "a hold without an answer", link.held)
			r.stop()
			marker, err := e.admin.CoreV1().ConfigMaps(e.namespace).Get(t.Context(), e.jobID(second)+".request", metav1.GetOptions{})
			e.must(err)
			if !failed || marker.Annotations[wire.AnnotationHolder] == "" {
				t.Fatalf("the request failed: %v, the holder is %q", failed, marker.Annotations[wire.AnnotationHolder])
			}
			if !strings.Contains(e.log.String(), "still holds a pod that waits") {
				t.Error("the log does not say that the pod is still held")
			}
			e.end(first)
			e.start(shortHolds)
			e.eventuallyHas(e.created(second)...)
		})
	}
}

// A replica that stops does not let go of a pod that another replica has begun to create since then.
func TestHoldOfAnotherReplicaIsNotReleased(t *testing.T) {
	e := newEnv(t, "pods=1")
	link := &unansweredHold{held: make(chan struct{})}
	first, second := e.request("first", false), e.request("second", false)
	taken, other := false, false
	r := e.start(func(s *settings) {
		s.config.Wrap(func(next http.RoundTripper) http.RoundTripper { link.next = next; return link })
		s.choose = func(_ int, call string) faulty.Fault {
			if taken && !other && call == "GET configmaps/name" {
				other = true
				e.hold(second, "another replica")
			}
			taken = taken || call == "PATCH configmaps/name"
			return ""
		}
	})
	r.create(first)
	r.create(second)
	testkit.Receive(t, "a hold without an answer", link.held)
	r.stop()
	marker, err := e.admin.CoreV1().ConfigMaps(e.namespace).Get(t.Context(), e.jobID(second)+".request", metav1.GetOptions{})
	e.must(err)
	if holder := marker.Annotations[wire.AnnotationHolder]; !other || holder != "another replica" {
		t.Errorf("the holder is %q", holder)
	}
}

// hold writes on the marker of a pod that waits that a replica holds it.
func (e *env) hold(request *wire.CreateRequest, holder string) {
	_, err := e.admin.CoreV1().ConfigMaps(e.namespace).Patch(context.Background(), e.jobID(request)+".request", types.MergePatchType,
		[]byte(`{"metadata":{"annotations":{"`+wire.AnnotationHolder+`":"`+holder+`"}}}`), metav1.PatchOptions{})
	e.must(err)
}
