package lifecycle_test

import (
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// observed records what an observer learns.
type observed struct {
	mu    sync.Mutex
	calls []string
}

func (o *observed) Asked(pods []corev1.Pod) {
	for i := range pods {
		o.add("asked by " + pods[i].Spec.NodeName + " about " + string(pods[i].UID))
	}
}

func (o *observed) Mentioned(uid string) { o.add("mentioned " + uid) }

func (o *observed) add(call string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls = append(o.calls, call)
}

// Creates, status requests and logs tell which local pods exist; a delete does not.
func TestObserverIsToldWhichPodsExist(t *testing.T) {
	o := &observed{}
	e := newEnv(t, func(options *lifecycle.Options) { options.Observer = o })
	r := plainRequest()
	r.Pod.Spec.NodeName = "vk"
	uid := string(r.Pod.UID)
	answer, err := e.Create(t.Context(), r)
	e.must(err)
	_, err = e.Status(t.Context(), []corev1.Pod{localPod(r, answer.PodJID)})
	e.must(err)
	log, err := e.Logs(t.Context(), wire.LogRequest{Namespace: "demo", PodName: "pod", PodUID: uid, ContainerName: "main"})
	e.must(err)
	e.must(log.Close())
	pod := localPod(r, answer.PodJID)
	e.must(e.Delete(t.Context(), &pod))
	want := []string{"mentioned " + uid, "asked by vk about " + uid, "mentioned " + uid}
	if !slices.Equal(o.calls, want) {
		t.Errorf("the observer learns %q, want %q", o.calls, want)
	}
}
