package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// When the API server answers again, a list or watch without an answer since the outage began is sent again, as
// soon as it is old enough. One that is alive goes on.
func TestASuspectRequestIsSentAgain(t *testing.T) {
	for _, test := range []struct {
		name    string
		event   time.Duration // when an event arrives after the begin of the watch; 0 for never
		outage  time.Duration // when the outage begins
		again   time.Duration // when the API server answers again
		ends    time.Duration // when the watch must end; 0 for never
		another time.Duration // when the API server answers again after a second outage, which began just before
	}{
		{name: "an old watch", event: time.Hour, outage: 2 * time.Hour, again: 3 * time.Hour, ends: 3 * time.Hour},
		{name: "an event during the outage", event: 2*time.Hour + 1, outage: 2 * time.Hour, again: 3 * time.Hour},
		{name: "a young watch", outage: 100 * time.Millisecond, again: 500 * time.Millisecond, ends: minPatience},
		{name: "sent during the outage", outage: -time.Minute, again: 500 * time.Millisecond, ends: minPatience},
		{name: "an event after the outage", event: time.Second, outage: -time.Minute, again: 500 * time.Millisecond},
		{name: "a second outage", event: time.Second, outage: -time.Minute, again: 500 * time.Millisecond, another: 1100 * time.Millisecond, ends: minPatience},
	} {
		synctest.Test(t, func(t *testing.T) {
			events := watch.NewFakeWithChanSize(1, false)
			s := newPodSource(t, &podsClient{onWatch: func(ctx context.Context) (watch.Interface, error) {
				if test.event > 0 {
					arrived := ctx.Value(progressKey{}).(func(bool))
					time.AfterFunc(test.event, func() { arrived(true) })
				}
				return events, nil
			}})
			s.silence = 0
			began := time.Now()
			w, err := s.watch(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(test.again, func() { s.restart(began.Add(test.outage)) })
			if test.another > 0 {
				time.AfterFunc(test.another, func() { s.restart(began.Add(test.another - 1)) })
			}
			select {
			case <-w.ResultChan():
				if got := time.Since(began); got != test.ends {
					t.Errorf("%s: it ends after %s, want %s", test.name, got, test.ends)
				}
			case <-time.After(24 * time.Hour):
				if test.ends != 0 {
					t.Errorf("%s: it goes on", test.name)
				}
			}
			w.Stop()
		})
	}
}

// An API server that answers everything but the lists and watches of pods gets fewer and fewer of them.
func TestRequestsThatHangAreSentAgainLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pods := &podsClient{}
		pods.onWatch = func(ctx context.Context) (watch.Interface, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		pods.onList = func() (*corev1.PodList, error) { return nil, errors.New("not used") }
		s := newPodSource(t, pods)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		go func() {
			for sleep(ctx, 100*time.Millisecond) == nil {
				s.restart(time.Now())
			}
		}()
		if _, err := s.watch(ctx, metav1.ListOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the watch ends with %v", err)
		}
		if pods.watches < 10 || pods.watches > 16 { // after 2, 4, 8, 16, 32 s, and then every minute
			t.Errorf("%d watches in 10 minutes", pods.watches)
		}
		// What arrives ends that.
		if s.ended == 0 {
			t.Error("the requests were not ended")
		}
		next, end, _ := s.begin(t.Context())
		defer end(nil)
		arrived := next.Value(progressKey{}).(func(bool))
		arrived(false)
		if s.ended == 0 {
			t.Error("headers alone end the back-off")
		}
		arrived(true)
		if s.ended != 0 {
			t.Error("an answer does not end the back-off")
		}
	})
}

// The same holds for watches that send their headers at once, and then nothing more.
func TestWatchesThatHangAfterTheirHeadersAreSentAgainLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pods := &podsClient{}
		pods.onWatch = func(ctx context.Context) (watch.Interface, error) {
			ctx.Value(progressKey{}).(func(bool))(false)
			return watch.NewFake(), nil
		}
		s := newPodSource(t, pods)
		s.silence = 0
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		go func() {
			for sleep(ctx, 100*time.Millisecond) == nil {
				s.restart(time.Now())
			}
		}()
		for {
			w, err := s.watch(ctx, metav1.ListOptions{})
			if err != nil {
				break
			}
			for range w.ResultChan() {
			}
			w.Stop()
		}
		if pods.watches < 10 || pods.watches > 16 { // after 2, 4, 8, 16, 32 s, and then every minute
			t.Errorf("%d watches in 10 minutes", pods.watches)
		}
	})
}

// After the address of the API server has changed, the informer must list the pods again. A list that was sent before does
// not count.
func TestTheInformerListsAgainAfterAnotherAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := watch.NewFake()
		pods := &podsClient{onWatch: func(context.Context) (watch.Interface, error) { return events, nil }}
		s := newPodSource(t, pods)
		log := testkit.NewLog(t)
		s.log = log.Logger()
		pods.onList = func() (*corev1.PodList, error) {
			if pods.lists == 1 {
				s.relist() // meanwhile
			}
			return &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}, nil
		}
		open := func() (ended func() bool, err error) {
			w, err := s.watch(t.Context(), metav1.ListOptions{ResourceVersion: "1"})
			if err != nil {
				return nil, err
			}
			return func() bool {
				synctest.Wait()
				select {
				case _, open := <-w.ResultChan():
					return !open
				default:
					return false
				}
			}, nil
		}
		list := func() {
			if _, err := s.list(t.Context(), metav1.ListOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		list()
		if _, err := open(); !apierrors.IsResourceExpired(err) || pods.watches != 0 {
			t.Fatalf("after a list of the last address, a watch is opened: %v", err)
		}
		list()
		ended, err := open()
		if err != nil || ended() {
			t.Fatalf("after a list, no watch is open: %v", err)
		}
		s.relist()
		if !ended() {
			t.Error("the watch of the last address goes on")
		}
		if _, err := open(); !apierrors.IsResourceExpired(err) {
			t.Errorf("the next watch ends with %v", err)
		}
		all := true
		w, err := s.watch(t.Context(), metav1.ListOptions{SendInitialEvents: &all})
		if err != nil {
			t.Fatalf("a watch that lists the pods ends with %v", err)
		}
		w.Stop()
		if _, err := open(); err != nil {
			t.Errorf("after a watch that lists the pods, the next one ends with %v", err)
		}
		if log.String() != "" {
			t.Errorf("the log says %s", log)
		}
	})
}
