package play

import (
	"cmp"
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// step is one of the scenario's, or something that strikes a remote pod where
// nobody plays its node.
type step struct {
	scenario.Step
	vanish string // this pod's remote one is deleted
	expire string // the deadline of this pod's remote one passes
}

// steps are in the order of their times.
func (s *stage) steps() []step {
	var steps []step
	for _, said := range s.file.Steps {
		steps = append(steps, step{Step: said})
	}
	if s.remote != nil && s.nodes == nil {
		for key, pod := range s.file.Nodes {
			for _, event := range pod.Events {
				switch {
				case event.Delete:
					steps = append(steps, step{Step: scenario.Step{At: event.At}, vanish: key})
				case event.Deadline:
					steps = append(steps, step{Step: scenario.Step{At: event.At}, expire: key})
				}
			}
		}
	}
	return slices.SortedStableFunc(slices.Values(steps), func(a, b step) int {
		return cmp.Compare(a.At.Duration, b.At.Duration)
	})
}

// vanish deletes a remote pod behind the plugin's back.
func (s *stage) vanish(ctx context.Context, key string) error {
	pod, err := s.remotePod(ctx, key)
	if err != nil {
		return err
	}
	return s.remote.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{})
}

func (p *player) step(ctx context.Context, step step) {
	var err error
	at, what := p.after(), ""
	switch {
	case step.vanish != "":
		what = "deletion of the remote pod of " + step.vanish
		err = p.vanish(ctx, step.vanish)
	case step.expire != "":
		what = "passing of the deadline of the remote pod of " + step.expire
		err = p.expire(ctx, step.expire)
	case step.RestartVirtualKubelet != nil:
		what = "restart of the virtual kubelet"
		err = p.kubelet.Restart(ctx, step.RestartVirtualKubelet.Forget...)
	case step.Create != "":
		what = "second create of pod " + step.Create
		err = p.kubelet.CreateAgain(ctx, step.Create)
	case step.Delete != "":
		what = "delete of pod " + step.Delete
		err = p.remove(ctx, step.Delete, p.kubelet.Delete)
	case step.LoseDelete != "":
		what = "lost delete of pod " + step.LoseDelete
		err = p.remove(ctx, step.LoseDelete, func(_ context.Context, key string) error { return p.kubelet.DeleteUnreported(key) })
	}
	p.record.step(at, "%s", what)
	if err != nil && ctx.Err() == nil {
		p.record.trouble("at %s, %s: %v", short(at), what, err)
	}
}

// remove deletes a pod, whose logs can be read up to then.
func (p *player) remove(ctx context.Context, key string, remove func(context.Context, string) error) error {
	p.readLogs(ctx, key)
	if !p.done[key] { // a delete of time 0 is known beforehand, and written while others read
		p.done[key] = true
	}
	err := remove(ctx, key)
	p.record.delete(key)
	return err
}
