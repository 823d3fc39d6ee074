package play

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// runStep runs a step and records it.
func (p *player) runStep(ctx context.Context, step timedStep) {
	p.noteRuns(ctx, step)
	var err error
	at, text := p.env.elapsed(), ""
	switch {
	case step.deleteRemotePod != "":
		text = "deletion of the remote pod of " + step.deleteRemotePod
		err = p.env.deleteRemotePod(ctx, step.deleteRemotePod)
	case step.endOtherPod:
		text = "deletion of the other pod"
		err = p.env.endOtherPod(ctx)
	case step.expireDeadline != "":
		text = "the remote pod of " + step.expireDeadline + " exceeds its deadline"
		err = p.env.expireDeadline(ctx, step.expireDeadline)
	case step.RestartVirtualKubelet != nil:
		text = "restart of the virtual kubelet"
		err = p.env.kubelet.Restart(ctx, step.RestartVirtualKubelet.Forget...)
	case step.RestartPlugin != nil:
		text = "restart of the plugin"
		err = p.env.restartPlugin(ctx)
	case step.Node != nil:
		text = "the remote node has " + quantitiesText(step.Node)
		err = p.env.changeNode(ctx, step.Node)
	case step.Create != "":
		text = "second create of pod " + step.Create
		err = p.env.kubelet.CreateAgain(ctx, step.Create)
	case step.Delete != "":
		text = "delete of pod " + step.Delete
		err = p.deleteByStep(ctx, step.Delete, p.env.kubelet.Delete)
	case step.Recreate != "":
		text = "pod " + step.Recreate + " is deleted and created again"
		err = p.recreate(ctx, step.Recreate)
	case step.DeleteUnreported != "":
		text = "unreported delete of pod " + step.DeleteUnreported
		err = p.deleteByStep(ctx, step.DeleteUnreported, func(_ context.Context, key string) error { return p.env.kubelet.DeleteUnreported(key) })
	}
	p.env.recorder.step(at, text)
	if (step.Node != nil || step.endOtherPod) && err == nil {
		err = p.observeVirtualNode(ctx)
	}
	if step.At.Duration > 0 { // the first ones happen while the pods are created
		p.observeJobs(ctx)
	}
	if p.cannotHappen(err) {
		return
	}
	if err != nil && ctx.Err() == nil {
		p.env.recorder.violation(stepRule(step, err), "at %s, %s: %v", round(at), text, err)
	}
}

// notPlayable is why a scenario cannot be played to its end, although the plugin did nothing
// wrong.
type notPlayable struct{ error }

// cannotHappen reports whether a step cannot happen because the remote cluster shows no pod
// for one that another plugin says it has created; the scenario then ends.
func (p *player) cannotHappen(err error) bool {
	var missing *noRemotePod
	if p.env.options.Plugin == "" || !errors.As(err, &missing) || p.seen.Pods[missing.key].Refusal != nil {
		return false
	}
	p.unplayable = &notPlayable{fmt.Errorf("a step changes the remote pod, and %w", err)}
	return true
}

// stepRule is the rule that the plugin breaks when the call of a step fails.
func stepRule(step timedStep, err error) string {
	var wrong *virtualkubelet.WrongPodUID
	var missing *noRemotePod
	switch {
	case step.Recreate != "" && errors.As(err, &missing):
		return "CREATE-18"
	case errors.As(err, &wrong):
		return "CREATE-10"
	case step.Create != "", step.RestartVirtualKubelet != nil:
		return "CREATE-8"
	case step.Delete != "", step.Recreate != "":
		return "DELETE-2"
	case step.RestartPlugin != nil:
		return "PING-3"
	}
	return ""
}

// deleteByStep deletes a pod, after reading its logs.
func (p *player) deleteByStep(ctx context.Context, key string, deletePod func(context.Context, string) error) error {
	p.readLogs(ctx, key)
	p.readProbes(ctx, key)
	if !p.deleted[key] { // set before the creates for steps of time 0, since those run concurrently
		p.deleted[key] = true
	}
	err := deletePod(ctx, key)
	p.env.recorder.localDelete(p.env.elapsed(), key)
	return err
}

// deleteRemotePod deletes the remote pod of a local one, without the plugin.
func (e *environment) deleteRemotePod(ctx context.Context, key string) error {
	pod, err := e.remotePod(ctx, key)
	if err != nil {
		return err
	}
	return e.remote.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{})
}

// expireDeadline lets a remote pod exceed its deadline, as if its
// activeDeadlineSeconds had passed. A pod without a deadline keeps running.
func (e *environment) expireDeadline(ctx context.Context, key string) error {
	pod, err := e.remotePod(ctx, key)
	if err != nil || pod.Spec.ActiveDeadlineSeconds == nil {
		return err
	}
	patch := []byte(`{"spec":{"activeDeadlineSeconds":1}}`)
	_, err = e.remote.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	return err
}
