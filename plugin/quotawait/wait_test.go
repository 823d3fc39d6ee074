package quotawait_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// A pod that a full quota refuses is accepted, waits, and is created when there is room.
func TestPodWaitsForQuota(t *testing.T) {
	for _, full := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "with objects"}[full], func(t *testing.T) {
			e := newEnv(t, "pods=1")
			r := e.start()
			first, second := e.request("first", full), e.request("second", full)
			r.create(first)
			r.create(second)
			e.eventuallyHas(append(e.created(first), e.stored(second)...)...)
			r.expectWaiting(second)
			r.link.set(nil)
			r.expectWaiting(second)
			if calls := r.link.seen(); slices.Contains(calls, "GET pods/name") || slices.Contains(calls, "GET configmaps") {
				t.Errorf("the status of a pod that waits sent %v", calls)
			}

			r.create(second) // InterLink may repeat it
			e.eventuallyHas(append(e.created(first), e.stored(second)...)...)

			e.end(first)
			e.eventuallyHas(e.created(second)...)
			if state := r.state(second); state.Waiting == nil || state.Waiting.Reason == "QuotaExceeded" {
				t.Errorf("the state of the pod that exists is %v", state)
			}
			r.remove(second)
			e.eventuallyHas()
		})
	}
}

// The longest waiting pod is created first; one that is too large for now does not hold up
// the others.
func TestOrder(t *testing.T) {
	e := newEnv(t, "requests.cpu=2")
	r := e.start()
	cpu := func(name, cpu string) *requestOf {
		request := &requestOf{e.request(name, false)}
		request.cpu(cpu)
		return request
	}
	running, big, old, young := cpu("running", "2"), cpu("big", "2"), cpu("old", "1"), cpu("young", "1")
	for _, request := range []*requestOf{running, big, old, young} {
		r.create(request.CreateRequest)
	}
	e.eventuallyHas(slices.Concat(e.created(running.CreateRequest), e.stored(big.CreateRequest), e.stored(old.CreateRequest), e.stored(young.CreateRequest))...)
	e.setQuota("requests.cpu=3")
	e.eventuallyHas(slices.Concat(e.created(running.CreateRequest), e.stored(big.CreateRequest), e.created(old.CreateRequest), e.stored(young.CreateRequest))...)
	e.setQuota("requests.cpu=6")
	e.eventuallyHas(slices.Concat(e.created(running.CreateRequest), e.created(big.CreateRequest), e.created(old.CreateRequest), e.created(young.CreateRequest))...)
}

// What can never fit, and what cannot be stored, fails with the words of the quota, and
// leaves nothing.
func TestPodThatCannotWait(t *testing.T) {
	large := strings.Repeat("x", 600_000)
	for _, test := range []struct {
		name, hard, reason string
		change             func(*requestOf)
		settings           func(*settings)
	}{
		{name: "never fits", hard: "pods=0", reason: "does not fit into the quota"},
		{name: "policy fail", hard: "pods=1,requests.cpu=1", change: func(r *requestOf) { r.cpu("1") }, settings: func(s *settings) { s.waiting.Accept = false }},
		{name: "too large for a Secret", hard: "requests.cpu=1", reason: "a Secret can hold", change: func(r *requestOf) {
			r.cpu("1")
			r.Containers[0].ConfigMaps[0].Data = map[string]string{"one": large}
			r.Containers[0].Secrets[0].Data = map[string][]byte{"two": []byte(large)}
		}},
		{name: "Secret refused", hard: "requests.cpu=1,secrets=0", reason: "create Secret", change: func(r *requestOf) { r.cpu("1") }},
		{name: "marker refused", hard: "requests.cpu=1,configmaps=0", reason: "create ConfigMap", change: func(r *requestOf) { r.cpu("1") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEnv(t, test.hard)
			var change []func(*settings)
			if test.settings != nil {
				change = append(change, test.settings)
			}
			r := e.start(change...)
			var there []string
			if strings.Contains(test.hard, "cpu") {
				holder := &requestOf{e.request("holder", false)}
				holder.cpu("1")
				r.create(holder.CreateRequest)
				there = e.created(holder.CreateRequest)
			}
			request := &requestOf{e.request("refused", true)}
			if test.change != nil {
				test.change(request)
			}
			err := r.createFails(request.CreateRequest)
			if !errdefs.Is(err, errdefs.OverQuota) || !strings.Contains(err.Error(), "exceeded quota: quota") || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("the error is %v (%s)", err, errdefs.KindOf(err))
			}
			e.eventuallyHas(there...)
		})
	}
}

// A pod that comes before the plugin has listed the markers waits too, also if the first lists fail.
func TestPodBeforeTheFirstList(t *testing.T) {
	for _, broken := range []int{0, 2} {
		t.Run(fmt.Sprintf("%d lists fail", broken), func(t *testing.T) {
			e := newEnv(t, "pods=1")
			lists := 0
			r := e.start(func(s *settings) {
				s.idle, s.unlisted = true, true
				s.choose = func(_ int, call string) faulty.Fault {
					if call != "GET configmaps" {
						return ""
					}
					if lists++; lists <= broken {
						return faulty.Broken
					}
					return ""
				}
			})
			first, second := e.request("first", false), e.request("second", false)
			r.create(first)
			r.create(second)
			e.eventuallyHas(append(e.created(first), e.stored(second)...)...)
			if lists != broken+1 {
				t.Errorf("the markers were listed %d times", lists)
			}
		})
	}
}

// A pod that is deleted while it waits leaves nothing, and is never created.
func TestDeleteWhileWaiting(t *testing.T) {
	for _, other := range []bool{false, true} {
		t.Run(map[bool]string{false: "same replica", true: "another replica, which does not know the marker"}[other], func(t *testing.T) {
			e := newEnv(t, "pods=1")
			r := e.start()
			deleter := r
			if other {
				deleter = e.start()
			}
			first, second, third := e.request("first", true), e.request("second", true), e.request("third", false)
			r.create(first)
			r.create(second)
			deleter.remove(second)
			e.eventuallyHas(e.created(first)...)
			r.create(third)
			e.end(first)
			e.eventuallyHas(e.created(third)...)
			e.setQuota("pods=5")
			fourth := e.request("fourth", false)
			r.create(fourth)
			e.eventuallyHas(append(e.created(third), e.created(fourth)...)...)
			if err := deleter.createFails(second); !errdefs.Is(err, errdefs.Canceled) {
				t.Errorf("a create after the delete: %v", err)
			}
		})
	}
}

// Requests survive a restart, and another replica answers for them too.
func TestRestart(t *testing.T) {
	e := newEnv(t, "pods=1")
	r := e.start()
	first, second := e.request("first", true), e.request("second", true)
	r.create(first)
	r.create(second)
	other := e.start()
	other.expectWaiting(second)
	other.create(second)
	r.stop()
	other.stop()
	e.end(first)
	e.eventuallyHas(e.stored(second)...)
	again := e.start()
	e.eventuallyHas(e.created(second)...)
	if state := again.state(second); state.Waiting == nil || state.Waiting.Reason == "QuotaExceeded" {
		t.Errorf("the state is %v", state)
	}
}

// Two replicas create each pod once, never more than fit, and leave nothing.
func TestTwoReplicas(t *testing.T) {
	const pods = 12
	e := newEnv(t, "pods=1")
	replicas := []*replica{e.start(), e.start()}
	first := e.request("first", false)
	replicas[0].create(first)
	want := e.created(first)
	for i := range pods {
		request := e.request("pod", i%2 == 0)
		replicas[i%2].create(request)
		want = append(want, e.created(request)...)
	}
	e.setQuota("pods=20")
	e.eventuallyHas(want...)
}

// Without the permission to watch quotas, a pod is tried again and again.
func TestWithoutWatch(t *testing.T) {
	e := newEnv(t, "pods=1")
	user := e.user("without-watch", "resourcequotas")
	r := e.start(func(s *settings) { s.config = user })
	first, second := e.request("first", false), e.request("second", true)
	r.create(first)
	r.create(second)
	testkit.Eventually(t, "the log says that quotas cannot be watched", func() bool {
		return strings.Contains(e.log.String(), "may not watch resource quotas")
	})
	e.end(first)
	e.eventuallyHas(e.created(second)...)
}

// Without the permission to list markers, no pod is accepted: after a restart it would be
// forgotten.
func TestWithoutList(t *testing.T) {
	e := newEnv(t, "pods=1")
	e.start().create(e.request("first", false))
	user := e.user("without-list", "list configmaps")
	r := e.start(func(s *settings) { s.config, s.unlisted = user, true })
	if err := r.createFails(e.request("second", false)); !errdefs.Is(err, errdefs.OverQuota) || !strings.Contains(err.Error(), "could not list") {
		t.Errorf("the error is %v", err)
	}
}
