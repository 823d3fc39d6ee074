package quotawait_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/quotawait"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Who can create Secrets and ConfigMaps in a remote namespace cannot have the plugin create
// a pod in another namespace, or in place of another pod.
func TestForgedRequest(t *testing.T) {
	for _, test := range []struct {
		name, reason string
		forge        func(*corev1.Secret, *wire.CreateRequest) (other *wire.CreateRequest)
	}{
		{name: "of another namespace", reason: "does not belong to", forge: func(_ *corev1.Secret, r *wire.CreateRequest) *wire.CreateRequest {
			r.Pod.Namespace += "-other"
			return r
		}},
		{name: "of another UID", reason: "does not belong to", forge: func(_ *corev1.Secret, r *wire.CreateRequest) *wire.CreateRequest {
			r.Pod.UID = types.UID(strings.Repeat("0", 8) + string(r.Pod.UID[8:]))
			return r
		}},
		{name: "of another pod", reason: "does not belong to", forge: func(_ *corev1.Secret, r *wire.CreateRequest) *wire.CreateRequest {
			r.Pod.Name = "other"
			return r
		}},
		{name: "of another instance", reason: "does not belong to", forge: func(s *corev1.Secret, _ *wire.CreateRequest) *wire.CreateRequest {
			s.Labels[wire.LabelInstance] = "other"
			return nil
		}},
		{name: "without the label of the pod", reason: "does not belong to", forge: func(s *corev1.Secret, _ *wire.CreateRequest) *wire.CreateRequest {
			s.Labels[wire.LabelStoredRequest] = "other"
			return nil
		}},
		{name: "unreadable", reason: "cannot be read", forge: func(s *corev1.Secret, _ *wire.CreateRequest) *wire.CreateRequest {
			for key := range s.Data {
				s.Data[key] = []byte("not JSON")
			}
			return nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEnv(t, "pods=5")
			s := scope.Scope{Prefix: strings.TrimSuffix(e.namespace, "-local"), Instance: e.namespace}
			e.local = "local"
			e.namespace = s.RemoteNamespace(e.local)
			_, err := e.admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.namespace}}, metav1.CreateOptions{})
			e.must(err)

			request := e.request("pod", false)
			secret, marker, err := quotawait.Stored(s, request)
			e.must(err)
			if other := test.forge(secret, request); other != nil {
				forged, _, err := quotawait.Stored(s, other)
				e.must(err)
				secret.Data = forged.Data
			}
			_, err = e.admin.CoreV1().Secrets(e.namespace).Create(t.Context(), secret, metav1.CreateOptions{})
			e.must(err)
			_, err = e.admin.CoreV1().ConfigMaps(e.namespace).Create(t.Context(), marker, metav1.CreateOptions{})
			e.must(err)
			e.start(func(c *settings) { c.options.Translate.Scope = s })
			testkit.Eventually(t, "the marker says why", func() bool {
				found, err := e.admin.CoreV1().ConfigMaps(e.namespace).Get(t.Context(), marker.Name, metav1.GetOptions{})
				return err == nil && strings.Contains(found.Annotations[wire.AnnotationWaitEnded], test.reason)
			})
			pods, err := e.admin.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{LabelSelector: wire.LabelInstance + "=" + s.Instance})
			e.must(err)
			if len(pods.Items) > 0 {
				t.Errorf("pod %s/%s exists", pods.Items[0].Namespace, pods.Items[0].Name)
			}
		})
	}
}

// A pod that was accepted and then turns out to be refused for good fails with the words of
// the refusal, at every replica. Its marker goes with the local pod, or after a time.
func TestAcceptedPodIsRefusedForGood(t *testing.T) {
	for _, forgotten := range []bool{false, true} {
		t.Run(map[bool]string{false: "the local pod is deleted", true: "the time is over"}[forgotten], func(t *testing.T) {
			e := newEnv(t, "pods=1")
			r := e.start(func(s *settings) { s.idle = true })
			first, second := e.request("first", false), e.request("second", true)
			r.create(first)
			r.create(second)
			_, err := e.admin.CoreV1().Namespaces().Patch(t.Context(), e.namespace, types.MergePatchType,
				[]byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`), metav1.PatchOptions{})
			e.must(err)
			e.end(first)
			worker := e.start()
			e.eventuallyHas(e.stored(second)[0]) // the marker
			for name, replica := range map[string]*replica{"the worker": worker, "another one": e.start()} {
				state := replica.state(second).Terminated
				if state == nil || state.ExitCode != 137 || state.Reason != "CreateFailed" || !strings.Contains(state.Message, `violates PodSecurity`) {
					t.Errorf("%s answers %v", name, state)
				}
			}
			if forgotten {
				worker.stop()
				e.start(func(s *settings) { s.forget = true })
			} else {
				worker.remove(second)
			}
			e.eventuallyHas()
		})
	}
}

// The local pod is deleted at another replica at the moment of each request of its creation:
// nothing is left of it, and the pod behind it is created.
func TestDeletedWhileItIsCreated(t *testing.T) {
	for n := 0; ; n++ {
		reached := false
		e := newEnv(t, "pods=1")
		deleter := e.start(func(s *settings) { s.idle = true })
		first, second, third := e.request("first", false), e.request("second", true), e.request("third", false)
		for _, request := range []*wire.CreateRequest{first, second, third} {
			deleter.create(request)
		}
		e.end(first)
		e.eventuallyUses("pods", "0")
		var at string
		r := e.start(func(s *settings) {
			s.choose = inCreation(n, func(call string) faulty.Fault {
				reached, at = true, call
				deleter.remove(second)
				deleter.link.kill() // else it sees the pod, and deletes it once more
				return ""
			})
		})
		e.eventuallyCreated(second, third)
		if !reached {
			return
		}
		e.eventuallyHas(e.created(third)...)
		t.Logf("deleted before request %d: %s", n, at)
		r.stop()
		deleter.stop()
	}
}

// eventuallyCreated waits until the second pod exists, or the first one and all that it needs,
// while the second waits.
func (e *env) eventuallyCreated(one, other *wire.CreateRequest) {
	testkit.Eventually(e.t, "one of two pods exists, and all of it", func() bool {
		names := e.names()
		return slices.Contains(names, "pod "+e.jobID(other)) || slices.Equal(names, sorted(append(e.created(one), e.stored(other)...)))
	})
}

// eventuallyUses waits until the quota knows how much of a resource is used.
func (e *env) eventuallyUses(name corev1.ResourceName, want string) {
	testkit.Eventually(e.t, "the quota knows what is used", func() bool {
		quota, err := e.admin.CoreV1().ResourceQuotas(e.namespace).Get(e.t.Context(), "quota", metav1.GetOptions{})
		used := quota.Status.Used[name]
		return err == nil && used.String() == want
	})
}

// While a replica holds a pod, no other replica creates it.
func TestHeldByAnotherReplica(t *testing.T) {
	e := newEnv(t, "pods=1")
	r := e.start(func(s *settings) { s.idle = true })
	first, second, third := e.request("first", false), e.request("second", true), e.request("third", false)
	for _, request := range []*wire.CreateRequest{first, second, third} {
		r.create(request)
	}
	e.hold(second, "a replica that was killed")
	e.end(first)
	e.start()
	e.eventuallyHas(append(e.created(third), e.stored(second)...)...)
	e.end(third)
	e.start(shortHolds)
	e.eventuallyHas(e.created(second)...)
}

// What waits counts in a quota of Secrets and ConfigMaps: pods that have room beside it make
// progress, and one whose request cannot be stored fails.
func TestQuotaThatCountsStoredRequests(t *testing.T) {
	e := newEnv(t, "pods=1,secrets=3,count/configmaps=3")
	r := e.start()
	first, second, third := e.request("first", true), e.request("second", true), e.request("third", true)
	for _, request := range []*wire.CreateRequest{first, second, third} {
		r.create(request)
	}
	if err := r.createFails(e.request("fourth", true)); !errdefs.Is(err, errdefs.OverQuota) || !strings.Contains(err.Error(), "it cannot wait") {
		t.Errorf("the error is %v", err)
	}
	e.end(first)
	// The second is first in turn, and is refused while the Secret of the first pod is still there.
	next, last := second, third
	testkit.Eventually(t, "one of both pods is created, and the other waits", func() bool {
		if slices.Equal(e.names(), sorted(append(e.created(third), e.stored(second)...))) {
			next, last = third, second
			return true
		}
		return slices.Equal(e.names(), sorted(append(e.created(second), e.stored(third)...)))
	})
	e.end(next)
	e.eventuallyHas(e.created(last)...)
}

// A Waiting is idle when no deleted pod has something left.
func TestIdle(t *testing.T) {
	e := newEnv(t, "pods=1")
	r := e.start(func(s *settings) { s.idle = true })
	first, second := e.request("first", false), e.request("second", false)
	r.create(first)
	r.create(second)
	if !r.waiting.Idle() {
		t.Error("a pod that waits is taken for a delete")
	}
	r.remove(second)
	if r.waiting.Idle() {
		t.Error("the marker of a pod that is deleted is forgotten")
	}
	e.start()
	e.eventuallyHas(e.created(first)...)
	e.must(r.waiting.List(context.Background()))
	if !r.waiting.Idle() {
		t.Error("nothing is left, and it is not idle")
	}
}
