package bench

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// eventToAnswer measures how long after a change of a remote pod the answer of the plugin changes, and how
// long after it a bare informer has the change.
func eventToAnswer() Measurement {
	return Measurement{"watch event to changed answer", func(ctx context.Context, b *Bench) (_ []Line, err error) {
		pods, err := b.cachedPods(ctx)
		if err != nil {
			return nil, err
		}
		p, err := b.startInProcess(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		arrivals := make(chan time.Time, 1)
		stop, err := b.startInformer(ctx, func(*corev1.Pod) { arrivals <- time.Now() })
		if err != nil {
			return nil, err
		}
		defer stop()
		body := statusBody(pods.many[0])
		pod, err := b.client.CoreV1().Pods(pods.many[0].namespace).Get(ctx, pods.many[0].name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		var answers, events, more []float64
		for range b.sizes.Events {
			changed, answered, err := b.changeAndAsk(ctx, p.caller, body, pod)
			if err != nil {
				return nil, err
			}
			arrived := <-arrivals
			answers = append(answers, milliseconds(answered.Sub(changed)))
			events = append(events, milliseconds(arrived.Sub(changed)))
			more = append(more, milliseconds(answered.Sub(arrived)))
		}
		return []Line{{
			Name: "change of a pod to changed answer", Peer: "the event's arrival at a bare informer", Unit: "ms",
			Figure: median(answers), PeerFigure: median(events), Value: median(more), ValueUnit: "ms more", Goal: atMost(5),
		}}, nil
	}}
}

// changeAndAsk changes the status of a pod, and asks for its status until the answer is another one. It
// returns when the change was sent, and when the answer had come.
func (b *Bench) changeAndAsk(ctx context.Context, p *caller, body []byte, pod *corev1.Pod) (changed, answered time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	before, err := p.call(ctx, http.MethodGet, "/status", body)
	if err != nil {
		return changed, answered, err
	}
	next := pod.DeepCopy()
	next.Status.ContainerStatuses[0].Ready = !next.Status.ContainerStatuses[0].Ready
	updated := make(chan error, 1)
	changed = time.Now()
	go func() {
		written, err := b.client.CoreV1().Pods(next.Namespace).UpdateStatus(ctx, next, metav1.UpdateOptions{FieldManager: "kubelet"})
		if err == nil {
			*pod = *written
		}
		updated <- err
	}()
	for {
		answer, err := p.call(ctx, http.MethodGet, "/status", body)
		if err != nil {
			return changed, answered, errors.Join(err, <-updated)
		}
		if answered = time.Now(); !bytes.Equal(answer, before) {
			return changed, answered, <-updated
		}
		time.Sleep(100 * time.Microsecond) // the API server needs the processor too
	}
}
