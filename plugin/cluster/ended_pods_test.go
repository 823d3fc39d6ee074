package cluster_test

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// createIn creates an offloaded pod in a phase.
func createIn(t *testing.T, server *apiserver.Server, namespace, name string, phase corev1.PodPhase) {
	t.Helper()
	pods := server.Client.CoreV1().Pods(namespace)
	pod, err := pods.Create(t.Context(), offloaded(name, "uid-"+name), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status = corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{
		Name: "main", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}},
	}}}
	if _, err := pods.UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func deleteNow(t *testing.T, server *apiserver.Server, namespace, name string) {
	t.Helper()
	if err := server.Client.CoreV1().Pods(namespace).Delete(t.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
}

// docs/contract.md, STATUS-34: the last state of a pod that had ended is known at the moment when
// the cache does not have the pod any more. One that had not ended is not remembered.
func TestEndedPodsAreRemembered(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	c := runCluster(t, server.Config, namespace)
	for _, phase := range []corev1.PodPhase{corev1.PodSucceeded, corev1.PodFailed, corev1.PodRunning, corev1.PodPending} {
		name := map[corev1.PodPhase]string{"Succeeded": "a", "Failed": "b", "Running": "c", "Pending": "d"}[phase]
		createIn(t, server, namespace, name, phase)
		testkit.Eventually(t, "the cache has the pod", func() bool { p := c.CachedPod("uid-" + name); return p != nil && p.Status.Phase == phase })
		if c.EndedPod("uid-"+name) != nil {
			t.Errorf("a %s pod that exists is remembered", phase)
		}
		deleteNow(t, server, namespace, name)
		testkit.Eventually(t, "the cache drops the pod", func() bool { return c.CachedPod("uid-"+name) == nil })
		pod, ended := c.EndedPod("uid-"+name), phase == corev1.PodSucceeded || phase == corev1.PodFailed
		switch {
		case (pod != nil) != ended:
			t.Errorf("a %s pod is remembered: %v", phase, pod != nil)
		case ended && (pod.Name != name || pod.Status.Phase != phase || pod.Status.ContainerStatuses[0].State.Terminated.ExitCode != 3 || pod.Annotations["user"] != ""):
			t.Errorf("what is remembered is %+v", pod)
		}
	}
}

// A pod that ends while there is no watch, and is deleted then, is not remembered. One that had
// ended before is, also if the watch cannot be resumed, and the pods are listed again.
func TestPodsAreRememberedAfterAnInterruption(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	watches := &interruption{}
	config := rest.CopyConfig(server.Config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { watches.next = next; return watches })
	c := runCluster(t, config, namespace)
	var mu sync.Mutex
	gone := map[types.UID]bool{} // whether the delete was seen
	err := c.OnPodChange(func(*corev1.Pod) {}, func(pod *corev1.Pod, seen bool) {
		mu.Lock()
		defer mu.Unlock()
		gone[pod.UID] = seen
	})
	if err != nil {
		t.Fatal(err)
	}
	createIn(t, server, namespace, "replaced", corev1.PodRunning)
	testkit.Eventually(t, "the cache has the pod", func() bool { return c.CachedPod("uid-replaced") != nil })
	replaced := c.CachedPod("uid-replaced").UID
	createIn(t, server, namespace, "before", corev1.PodSucceeded)
	createIn(t, server, namespace, "during", corev1.PodRunning)
	testkit.Eventually(t, "the cache has the pods", func() bool { return c.CachedPod("uid-before") != nil && c.CachedPod("uid-during") != nil })
	testkit.Eventually(t, "the cache has the phase", func() bool { return c.CachedPod("uid-before").Status.Phase == corev1.PodSucceeded })
	during := c.CachedPod("uid-during").UID
	listed, _ := c.Followed()

	watches.begin()
	deleteNow(t, server, namespace, "replaced")
	createIn(t, server, namespace, "replaced", corev1.PodRunning)
	deleteNow(t, server, namespace, "before")
	deleteNow(t, server, namespace, "during")
	createIn(t, server, namespace, "after", corev1.PodRunning)
	watches.end()
	testkit.Eventually(t, "the pods are listed again", func() bool { return c.CachedPod("uid-after") != nil })
	testkit.Eventually(t, "the cache drops the pods", func() bool { return c.CachedPod("uid-before") == nil && c.CachedPod("uid-during") == nil })
	testkit.Eventually(t, "the pod that had ended is remembered", func() bool { return c.EndedPod("uid-before") != nil })
	if c.EndedPod("uid-during") != nil {
		t.Error("a pod that had not ended is remembered")
	}
	if again, until := c.Followed(); !again.After(listed) || until.Before(again) {
		t.Errorf("the pods were listed at %s and at %s, and are followed until %s", listed, again, until)
	}
	after := c.CachedPod("uid-after").UID
	deleteNow(t, server, namespace, "after")
	testkit.Eventually(t, "the handler hears which deletes were seen", func() bool {
		mu.Lock()
		defer mu.Unlock()
		seen, ok := gone[during]
		other, ok2 := gone[replaced]
		return ok && !seen && ok2 && !other && gone[after]
	})
}

// interruption is a transport that interrupts watches, and answers the next one 410.
type interruption struct {
	next http.RoundTripper

	mu   sync.Mutex
	open []chan struct{} // closed to end a watch
	hold chan struct{}   // watches wait for it
	gone bool
}

func (i *interruption) begin() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.hold, i.gone = make(chan struct{}), true
	for _, ended := range i.open {
		close(ended)
	}
	i.open = nil
}

func (i *interruption) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.hold)
	i.hold = nil
}

// RoundTrip sends a request.
func (i *interruption) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("watch") == "" {
		return i.next.RoundTrip(r)
	}
	i.mu.Lock()
	hold := i.hold
	i.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	i.mu.Lock()
	gone := i.gone
	i.gone = false
	ended := make(chan struct{})
	i.open = append(i.open, ended)
	i.mu.Unlock()
	if gone {
		text := `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old resource version","reason":"Expired","code":410}`
		return &http.Response{
			StatusCode: http.StatusGone, Header: http.Header{"Content-Type": {"application/json"}}, Request: r, ContentLength: int64(len(text)),
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(bytes.NewReader([]byte(text))),
		}, nil
	}
	answer, err := i.next.RoundTrip(r)
	if err == nil {
		body := answer.Body
		go func() {
			select {
			case <-ended:
				_ = body.Close() // a read ends with an error
			case <-r.Context().Done():
			}
		}()
	}
	return answer, err
}
