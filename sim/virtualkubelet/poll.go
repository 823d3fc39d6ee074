package virtualkubelet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// StaleStatus is the error of a status call that changes nothing: the user goes on
// seeing the last state.
type StaleStatus struct {
	Pod string
	// UID of the pod.
	UID types.UID
	// Created says that the pod's create was answered before the call: before that, a plugin
	// need not know the pod (docs/contract.md, STATUS-5).
	Created bool
	// Rule is the number of the rule of docs/contract.md, such as STATUS-10.
	Rule   string
	Reason string
}

func (s *StaleStatus) Error() string {
	return fmt.Sprintf("the status of pod %s does not change: %s", s.Pod, s.Reason)
}

// Poll runs one cycle of the status loop: one call for each pod that has not ended,
// one after the other. It joins the errors of all calls: a *StaleStatus leaves its
// pod as it was; after a *Panic no call is sent until Restart.
func (k *Kubelet) Poll(ctx context.Context) error {
	return k.pollPods(ctx, func(*localPod) bool { return true })
}

// PollCreating is like Poll, but only for the pods whose create is in flight: the virtual
// kubelet asks for them too (docs/contract.md, STATUS-5).
func (k *Kubelet) PollCreating(ctx context.Context) error {
	return k.pollPods(ctx, func(pod *localPod) bool { return pod.creates > 0 })
}

func (k *Kubelet) pollPods(ctx context.Context, wanted func(*localPod) bool) error {
	k.polling.Lock()
	defer k.polling.Unlock()
	type target struct {
		local   *localPod
		pod     *corev1.Pod
		created bool
	}
	var targets []target
	k.mu.Lock()
	panicked := k.panicked
	for _, pod := range k.pods {
		if wanted(pod) && !k.settles(pod) && !pod.deleted && pod.stored != nil && !isFinal(pod.stored.Status.Phase) {
			targets = append(targets, target{pod, pod.stored, !pod.answered.IsZero()}) // pod.stored is replaced, or changed under the lock
		}
	}
	k.shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
	// By chance, a plugin that keeps one answer for all pods could say nothing about the same pod
	// for long. So the pods that wait for news are first, as they may be in InterLink's order.
	slices.SortStableFunc(targets, func(a, b target) int { return b.local.stale - a.local.stale })
	k.mu.Unlock()
	if panicked != nil {
		return panicked
	}
	var errs []error
	for _, t := range targets {
		k.mu.Lock()
		body := interlink.StatusRequest(t.pod, "")
		k.mu.Unlock()
		err := k.poll(ctx, t.local, body)
		t.local.stale++
		if stale := (*StaleStatus)(nil); errors.As(err, &stale) {
			stale.UID, stale.Created = body[0].UID, t.created
		} else {
			t.local.stale = 0
		}
		errs = append(errs, err)
		if ctx.Err() != nil || errors.As(err, new(*Panic)) {
			break
		}
	}
	return errors.Join(errs...)
}

// settles reports whether the create of a pod was answered a moment ago.
func (k *Kubelet) settles(pod *localPod) bool {
	return !pod.answered.IsZero() && k.now().Sub(pod.answered) < k.settle
}

// poll sends the status call of one pod and applies the answer.
func (k *Kubelet) poll(ctx context.Context, pod *localPod, body []*corev1.Pod) error {
	name := body[0].Name
	stale := func(rule, format string, args ...any) error {
		return &StaleStatus{Pod: name, Rule: rule, Reason: fmt.Sprintf(format, args...)}
	}
	status, text, err := k.client.call(ctx, k.client.protocol.status, k.client.session("GetStatus"), body)
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // the caller gave up: this is no fault of the plugin
	case err != nil:
		return stale("STATUS-10", "%s", Cause(err))
	case status != http.StatusOK:
		return stale("STATUS-10", "answered %d: %s", status, message(text))
	}
	var entries []wire.PodStatus
	if err := json.Unmarshal(text, &entries); err != nil {
		rule := "STATUS-6"
		if errors.As(err, new(*json.SyntaxError)) {
			rule = "STATUS-10" // not JSON
		}
		return stale(rule, "%s", describeJSONError(text, err, "a list of statuses"))
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	entry, ok, listed := k.newest(body[0].UID, entries)
	var absent error // an older answer is used instead (docs/contract.md, STATUS-11)
	if !listed {
		absent = stale("STATUS-11", "the answer does not have this pod")
	}
	switch {
	case !ok || pod.deleted:
		return absent
	case entry.Name == "":
		return stale("STATUS-6", "the answer does not have the pod's name")
	}
	if err := applyAnswer(pod.stored, &entry); err != nil {
		errors.As(err, &k.panicked)
		return err
	}
	return errors.Join(absent, pod.show(k.now()))
}

// newest returns the newest status of a pod, if there is one, and whether it is in these
// entries of an answer. It does the work of the InterLink API server, which keeps the
// statuses; a real one sends the pod's newest status alone.
func (k *Kubelet) newest(uid types.UID, entries []wire.PodStatus) (entry wire.PodStatus, ok, listed bool) {
	isOfPod := func(e wire.PodStatus) bool { return e.UID == string(uid) }
	if k.interLink {
		if ok = len(entries) > 0 && isOfPod(entries[0]); ok {
			entry = entries[0]
		}
		return entry, ok, ok
	}
	for _, e := range entries {
		k.answers[types.UID(e.UID)] = e
	}
	entry, ok = k.answers[uid]
	return entry, ok, slices.ContainsFunc(entries, isOfPod)
}
