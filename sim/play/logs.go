package play

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// maxLog is as much of a log as is read: more than any scenario expects.
const maxLog = 1 << 20

// pendingLog is one request for a log; done is closed when log is complete.
type pendingLog struct {
	pod  *judge.Pod
	at   int // its place in the pod's logs
	log  judge.Log
	done chan struct{}
}

// readLogs sends the requests for logs that are expected of a pod. It waits for the
// answers, except for those that follow a container that has not ended.
func (p *player) readLogs(ctx context.Context, key string) {
	seen := p.seen.Pods[key]
	for _, expected := range p.file.Expect.Pods[key].Logs {
		pending := &pendingLog{pod: seen, at: len(seen.Logs), done: make(chan struct{})}
		seen.Logs = append(seen.Logs, judge.Log{})
		p.logs = append(p.logs, pending)
		go p.ask(ctx, key, expected, pending)
		if !expected.Follow || !p.runs(key, expected.Container) {
			<-pending.done
		}
	}
}

// collectLogs waits for the followed logs, and adds all logs to the observation.
func (p *player) collectLogs(ctx context.Context) {
	for _, pending := range p.logs {
		select {
		case <-pending.done:
			pending.pod.Logs[pending.at] = pending.log
		case <-ctx.Done():
			return
		}
	}
}

// runs says whether a container that is followed may go on.
func (p *player) runs(key, container string) bool {
	for _, list := range [][]corev1.ContainerStatus{p.kubelet.Status(key).InitContainerStatuses, p.kubelet.Status(key).ContainerStatuses} {
		for _, c := range list {
			if c.Name == container {
				return c.State.Terminated == nil
			}
		}
	}
	return false
}

func (p *player) ask(ctx context.Context, key string, expected scenario.LogExpectation, pending *pendingLog) {
	defer close(pending.done)
	ctx, cancel := context.WithTimeout(ctx, p.options.CallTimeout)
	defer cancel()
	stream, err := p.kubelet.Logs(ctx, key, expected.Container, wire.LogOpts{
		Tail: expected.Tail, Bytes: expected.Bytes, Timestamps: expected.Timestamps,
		Previous: expected.Previous, Follow: expected.Follow,
	})
	if err != nil {
		pending.log.Err = err
		return
	}
	defer func() { _ = stream.Close() }() // it has been read
	text, err := io.ReadAll(io.LimitReader(stream, maxLog+1))
	switch {
	case ctx.Err() != nil:
		pending.log.Err = fmt.Errorf("it did not end within %s", p.options.CallTimeout)
	case err != nil:
		pending.log.Err = fmt.Errorf("it broke off: %w", err)
	case len(text) > maxLog:
		pending.log.Err = fmt.Errorf("it is longer than %d bytes", maxLog)
	}
	pending.log.Text = string(text)
}
