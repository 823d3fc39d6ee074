package cluster

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// podsClient is a client of an API server that a test plays.
type podsClient struct {
	lists, watches int
	onList         func() (*corev1.PodList, error)
	onWatch        func(ctx context.Context) (watch.Interface, error)
}

func (p *podsClient) List(context.Context, metav1.ListOptions) (*corev1.PodList, error) {
	p.lists++
	return p.onList()
}

func (p *podsClient) Watch(ctx context.Context, _ metav1.ListOptions) (watch.Interface, error) {
	p.watches++
	return p.onWatch(ctx)
}

func newPodSource(t *testing.T, pods *podsClient) *podSource {
	return &podSource{pods: pods, log: testkit.NewLog(t).Logger(), silence: watchSilence}
}

var errRefusedConnection = &url.Error{Op: "Get", Err: syscall.ECONNREFUSED}

// errExpired is the answer 410.
var errExpired = apierrors.NewResourceExpired("too old resource version")

// After an outage, however long, the watch is open again within 5 s, and the log has one line for its begin and
// one for its end.
func TestTheWatchIsBackSoonAfterAnOutage(t *testing.T) {
	for name, failure := range map[string]error{
		"unreachable": errRefusedConnection, "EOF": io.EOF, "503": apierrors.NewServiceUnavailable("starting"),
		"401": apierrors.NewUnauthorized("no"), "429": apierrors.NewTooManyRequests("busy", 1),
		"404": apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, ""),
	} {
		for _, watching := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				up := time.Now().Add(20 * time.Minute)
				fail := func() error {
					if time.Now().Before(up) {
						return failure
					}
					return nil
				}
				pods := &podsClient{
					onList: func() (*corev1.PodList, error) {
						return &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}, fail()
					},
					onWatch: func(context.Context) (watch.Interface, error) { return watch.NewFake(), fail() },
				}
				s := newPodSource(t, pods)
				log := testkit.NewLog(t)
				s.log = log.Logger()
				if watching {
					w, err := s.watch(t.Context(), metav1.ListOptions{})
					if err != nil {
						t.Fatalf("%s: the watch fails with %v", name, err)
					}
					w.Stop()
				} else if _, err := s.list(t.Context(), metav1.ListOptions{}); err != nil {
					t.Fatalf("%s: the list fails with %v", name, err)
				}
				if late := time.Since(up); late < 0 || late > 5*time.Second {
					t.Errorf("%s: it is open %s after the outage", name, late)
				}
				if tries := pods.lists + pods.watches; tries > 2400 {
					t.Errorf("%s: %d tries in 20 minutes", name, tries)
				}
				if got := strings.Count(log.String(), "ended with an error"); got != 1 {
					t.Errorf("%s: the failure is logged %d times", name, got)
				}
				if got := strings.Count(log.String(), "remote pods is restored"); got != 1 {
					t.Errorf("%s: the end is logged %d times", name, got)
				}
			})
		}
	}
}

// An API server that answers 410 to every watch gets fewer and fewer of them; a watch that works ends that.
func TestExpiredWatchesBackOff(t *testing.T) {
	expired := func(context.Context) (watch.Interface, error) { return nil, errExpired }
	asEvent := func(context.Context) (watch.Interface, error) {
		w := watch.NewFakeWithChanSize(1, false)
		status := errExpired.Status()
		w.Error(&status)
		return w, nil
	}
	for name, answer := range map[string]func(context.Context) (watch.Interface, error){"as an answer": expired, "as an event": asEvent} {
		synctest.Test(t, func(t *testing.T) {
			pods := &podsClient{onWatch: answer}
			s := newPodSource(t, pods)
			once := func() bool {
				w, err := s.watch(t.Context(), metav1.ListOptions{})
				if err != nil {
					return apierrors.IsResourceExpired(err)
				}
				event, ok := <-w.ResultChan()
				w.Stop()
				return ok && event.Type == watch.Error
			}
			for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
				if !once() {
					t.Fatalf("%s: the informer does not see the answer 410", name)
				}
			}
			if pods.watches > 10 {
				t.Errorf("%s: %d watches in 20 s", name, pods.watches)
			}
			pods.onWatch = func(context.Context) (watch.Interface, error) {
				w := watch.NewFakeWithChanSize(1, false)
				w.Add(&corev1.Pod{})
				return w, nil
			}
			w, err := s.watch(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			<-w.ResultChan()
			w.Stop()
			began := time.Now()
			if w, err = s.watch(t.Context(), metav1.ListOptions{}); err != nil || time.Since(began) != 0 {
				t.Errorf("%s: after a watch that worked, the next one waits %s: %v", name, time.Since(began), err)
			}
			w.Stop()
		})
	}
}

// A watch without an event ends after 90 s, as if the API server had ended it; one with bookmarks does not.
func TestASilentWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := watch.NewFakeWithChanSize(1, false)
		s := newPodSource(t, &podsClient{onWatch: func(context.Context) (watch.Interface, error) { return events, nil }})
		w, err := s.watch(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			time.Sleep(time.Minute)
			events.Action(watch.Bookmark, &corev1.Pod{})
			if event := <-w.ResultChan(); event.Type != watch.Bookmark {
				t.Fatalf("the informer sees %v", event)
			}
			if heard := s.lastHeard(); !heard.Equal(time.Now()) {
				t.Errorf("the source heard something at %s, want now", heard)
			}
		}
		last := time.Now()
		if event, open := <-w.ResultChan(); open || time.Since(last) != watchSilence || !events.IsStopped() {
			t.Errorf("the watch ends after %s with %v, the API server's is stopped: %v", time.Since(last), event, events.IsStopped())
		}
	})
}

// What only the plugin can act on is not shown to the informer, which would wait longer and longer.
func TestWhatTheInformerSees(t *testing.T) {
	tooLarge := apierrors.NewTimeoutError("Too large resource version: 2, current: 1", 1)
	tooLarge.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: metav1.CauseTypeResourceVersionTooLarge}}
	for _, test := range []struct {
		name string
		err  *apierrors.StatusError
		want bool
	}{
		{"expired", errExpired, true},
		{"a resource version of the future", tooLarge, true},
		{"watch lists are not supported", apierrors.NewInvalid(schema.GroupKind{Kind: "ListOptions"}, "", nil), true},
		{"etcd fails", apierrors.NewInternalError(errors.New("etcd")), false},
		{"a broken stream", apierrors.NewGenericServerResponse(500, "watch", schema.GroupResource{}, "", "ClientWatchDecoding", 0, true), false},
		{"refused", apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no")), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			events := watch.NewFakeWithChanSize(1, false)
			s := newPodSource(t, &podsClient{onWatch: func(context.Context) (watch.Interface, error) { return events, nil }})
			w, err := s.watch(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			status := test.err.Status()
			events.Error(&status)
			if _, shown := <-w.ResultChan(); shown != test.want {
				t.Errorf("%s: the informer sees the error: %v", test.name, shown)
			}
			w.Stop()
		})
	}
}

// An API server that does not list in a watch is not a failure: the log has no warning, and the informer sees the
// answer at once. Other invalid requests are failures.
func TestAServerWithoutWatchLists(t *testing.T) {
	kind := schema.GroupKind{Group: "meta.k8s.io", Kind: "ListOptions"}
	answer := apierrors.NewInvalid(kind, "", field.ErrorList{field.Forbidden(field.NewPath("sendInitialEvents"), "it needs a feature gate")})
	other := apierrors.NewInvalid(kind, "", field.ErrorList{field.Forbidden(field.NewPath("resourceVersionMatch"), "no")})
	for _, test := range []struct {
		err  error
		warn bool
	}{{answer, false}, {other, true}} {
		log := testkit.NewLog(t)
		pods := &podsClient{onWatch: func(context.Context) (watch.Interface, error) { return nil, test.err }}
		s := newPodSource(t, pods)
		s.log = log.Logger()
		lists := true
		_, err := s.watch(t.Context(), metav1.ListOptions{SendInitialEvents: &lists})
		if !errors.Is(err, test.err) || pods.watches != 1 {
			t.Errorf("after %d watches, the informer sees the error %v", pods.watches, err)
		}
		if warned := strings.Contains(log.String(), "WARN"); warned != test.warn {
			t.Errorf("%v: there is a warning: %t", test.err, warned)
		}
	}
}

// client-go returns a watch without events, and no error, if the connection breaks before the answer.
func TestAConnectionThatBreaksIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pods := &podsClient{}
		pods.onWatch = func(context.Context) (watch.Interface, error) {
			if pods.watches < 100 {
				return watch.NewEmptyWatch(), nil
			}
			return watch.NewFake(), nil
		}
		s := newPodSource(t, pods)
		log := testkit.NewLog(t)
		s.log = log.Logger()
		began := time.Now()
		w, err := s.watch(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w.Stop()
		if took := time.Since(began); took < time.Minute {
			t.Errorf("100 watches are opened within %s", took)
		}
		if got := strings.Count(log.String(), "the connection broke before the answer"); got != 1 {
			t.Errorf("the failure is logged %d times", got)
		}
	})
}

// A watch that ends at once seems to last a second: the informer would list all pods, and wait longer and longer.
func TestAShortWatchIsNotShown(t *testing.T) {
	for _, event := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			events := watch.NewFakeWithChanSize(1, false)
			s := newPodSource(t, &podsClient{onWatch: func(context.Context) (watch.Interface, error) { return events, nil }})
			began := time.Now()
			w, err := s.watch(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := shortWatch
			if event {
				events.Add(&corev1.Pod{})
				<-w.ResultChan()
				want = 0
			}
			events.Stop()
			<-w.ResultChan()
			if got := time.Since(began); got != want {
				t.Errorf("event %v: the watch seems to last %s, want %s", event, got, want)
			}
		})
	}
}

// A watch or list that hangs, or is repeated, ends with its context.
func TestAWatchEndsWithItsContext(t *testing.T) {
	for name, answer := range map[string]func(context.Context) (watch.Interface, error){
		"hangs":    func(ctx context.Context) (watch.Interface, error) { <-ctx.Done(); return nil, ctx.Err() },
		"repeated": func(context.Context) (watch.Interface, error) { return nil, errRefusedConnection },
		"expired":  func(context.Context) (watch.Interface, error) { return nil, errExpired },
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := newPodSource(t, &podsClient{onWatch: answer})
			s.expired = 9
			ended := make(chan error)
			go func() {
				_, err := s.watch(ctx, metav1.ListOptions{})
				ended <- err
			}()
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
			stopped := time.Now()
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(stopped) != 0 {
				t.Errorf("%s: ends %s later with %v", name, time.Since(stopped), err)
			}
		})
	}
}
