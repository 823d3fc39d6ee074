package cluster

import (
	"context"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

func podNamed(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}}
}

// A pod that is in no list any more is remembered before the informer can drop it: otherwise a
// status request at that moment finds it nowhere.
func TestACompleteListIsToldBeforeTheInformerHasIt(t *testing.T) {
	want := func(t *testing.T, what string, got map[string]bool, names ...string) {
		t.Helper()
		for _, name := range names {
			if !got["ns/"+name] {
				t.Errorf("%s: %v does not have %s", what, got, name)
			}
		}
		if len(got) != len(names) {
			t.Errorf("%s: %v are told, want %q", what, got, names)
		}
	}
	t.Run("pages of a list", func(t *testing.T) {
		pages := map[string]*corev1.PodList{
			"":     {ListMeta: metav1.ListMeta{ResourceVersion: "1", Continue: "next"}, Items: []corev1.Pod{*podNamed("a")}},
			"next": {ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: []corev1.Pod{*podNamed("b")}},
		}
		page := ""
		s := newPodSource(t, &podsClient{onList: func() (*corev1.PodList, error) { return pages[page], nil }})
		var told map[string]bool
		s.complete = func(exist map[string]bool) { told = exist }
		for _, first := range []string{"a", "c"} { // the second list does not have the pods of the first
			pages[""].Items[0].Name = first
			told = nil
			for _, page = range []string{"", "next"} {
				if told != nil {
					t.Fatalf("%v are told before the last page", told)
				}
				if _, err := s.list(t.Context(), metav1.ListOptions{Continue: page}); err != nil {
					t.Fatal(err)
				}
			}
			want(t, "after the last page", told, first, "b")
		}
	})
	t.Run("first events of a watch", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			events := watch.NewFakeWithChanSize(10, false)
			s := newPodSource(t, &podsClient{onWatch: func(context.Context) (watch.Interface, error) { return events, nil }})
			var told map[string]bool
			s.complete = func(exist map[string]bool) { told = exist }
			w, err := s.watch(t.Context(), metav1.ListOptions{SendInitialEvents: new(true)})
			if err != nil {
				t.Fatal(err)
			}
			end := podNamed("")
			end.Annotations = map[string]string{metav1.InitialEventsAnnotationKey: "true"}
			events.Add(podNamed("a"))
			events.Add(podNamed("b"))
			events.Delete(podNamed("b"))
			events.Action(watch.Bookmark, podNamed("")) // one of each minute
			events.Action(watch.Bookmark, end)
			for range 4 {
				<-w.ResultChan()
			}
			<-w.ResultChan() // the end of the first events
			want(t, "when the informer has the last of them", told, "a")
			told = nil
			events.Add(podNamed("c"))
			events.Action(watch.Bookmark, end)
			<-w.ResultChan()
			<-w.ResultChan()
			if told != nil {
				t.Errorf("a watch tells twice: %v", told)
			}
			w.Stop()
		})
	})
	t.Run("a watch that goes on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			events := watch.NewFakeWithChanSize(10, false)
			s := newPodSource(t, &podsClient{onWatch: func(context.Context) (watch.Interface, error) { return events, nil }})
			s.complete = func(exist map[string]bool) { t.Errorf("%v are told as all pods", exist) }
			w, err := s.watch(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			events.Action(watch.Bookmark, podNamed(""))
			<-w.ResultChan()
			w.Stop()
		})
	})
}
