package play

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// maxLog is how many bytes of a log are read: more than any scenario expects.
const maxLog = 1 << 20

// readLogs sends the requests for logs that are expected of a pod. It waits for the
// answers; if they follow a container that has not ended, until they begin.
func (p *player) readLogs(ctx context.Context, key string) {
	seen := p.seen.Pods[key]
	for _, expected := range p.env.file.Expect.Pods[key].Logs {
		pending := &pendingLog{pod: seen, index: len(seen.Logs), done: make(chan struct{})}
		seen.Logs = append(seen.Logs, judge.Log{})
		p.logs = append(p.logs, pending)
		begun := make(chan struct{})
		go func() {
			defer close(pending.done)
			begin := sync.OnceFunc(func() { close(begun) })
			wanted := p.besideProbe(ctx, key, expected)
			request := func() judge.Log { return requestLog(ctx, p.env, key, wanted, begin) }
			if pending.log = request(); expected.Previous && p.env.nodes == nil {
				pending.log = askAgain(ctx, pending.log, previousLogPause, request)
			}
			pending.log = p.ownLog(key, expected, pending.log)
		}()
		<-begun // a delete that follows must not be earlier
		if !expected.Follow || containerEnded(p.env.kubelet.Status(key), expected.Container) {
			<-pending.done
		}
	}
}

// collectLogs waits for the followed logs, and adds all logs to the observation.
func (p *player) collectLogs(ctx context.Context) {
	for _, pending := range p.logs {
		select {
		case <-pending.done:
			pending.pod.Logs[pending.index] = pending.log
		case <-ctx.Done():
			return
		}
	}
}

// containerHasBegun reports whether a status shows that a container runs, or has run.
func containerHasBegun(status corev1.PodStatus, container string) bool {
	return slices.ContainsFunc(slices.Concat(status.InitContainerStatuses, status.ContainerStatuses), func(c corev1.ContainerStatus) bool {
		return c.Name == container && (c.State.Running != nil || c.State.Terminated != nil)
	})
}

// containerEnded reports whether a container has ended; true if the status does not
// list it.
func containerEnded(status corev1.PodStatus, container string) bool {
	for _, list := range [][]corev1.ContainerStatus{status.InitContainerStatuses, status.ContainerStatuses} {
		for _, c := range list {
			if c.Name == container {
				return c.State.Terminated != nil
			}
		}
	}
	return true
}

const (
	// noPreviousLog is how a kubelet begins the log of a previous run that it has removed: for
	// a moment after a restart, the status still names that run.
	noPreviousLog = "unable to retrieve container logs for "
	// previousLogPause and previousLogTries say how often a user would ask again.
	previousLogPause = time.Second
	previousLogTries = 10
)

// askAgain requests the log of a previous run again while the kubelet has none.
func askAgain(ctx context.Context, log judge.Log, pause time.Duration, request func() judge.Log) judge.Log {
	for try := 1; try < previousLogTries && strings.HasPrefix(log.Text, noPreviousLog); try++ {
		select {
		case <-ctx.Done():
			return log
		case <-time.After(pause):
			log = request()
		}
	}
	return log
}

// requestLog requests a log and reads the whole answer. It calls begun when the answer begins,
// or when there is none.
func requestLog(ctx context.Context, env *environment, key string, expected scenario.LogExpectation, begun func()) judge.Log {
	ctx, cancel := context.WithTimeout(ctx, env.options.CallTimeout)
	defer cancel()
	stream, err := env.kubelet.Logs(ctx, key, expected.Container, wire.LogOpts{
		Tail: expected.Tail, Bytes: expected.Bytes, SinceSeconds: expected.SinceSeconds, Timestamps: expected.Timestamps,
		Previous: expected.Previous, Follow: expected.Follow,
	})
	begun()
	if err != nil {
		return judge.Log{Err: err}
	}
	defer func() { _ = stream.Close() }() // it has been read
	text, err := io.ReadAll(io.LimitReader(stream, maxLog+1))
	log := judge.Log{Text: string(text)}
	switch {
	case ctx.Err() != nil:
		log.Err = fmt.Errorf("it did not end within %s", env.options.CallTimeout)
	case err != nil:
		log.Err = fmt.Errorf("the answer is incomplete: %w", err)
	case len(text) > maxLog:
		log.Err = fmt.Errorf("it is longer than %d bytes", maxLog)
	}
	return log
}
