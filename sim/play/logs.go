package play

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// maxLog is as much of a log as is read: more than any scenario expects.
const maxLog = 1 << 20

// answer is that of one request for a log; done is closed when it is there.
type answer struct {
	text string
	err  error
	done chan struct{}
}

// logs asks for the logs that are expected of a pod, and waits for the answers
// but of those that follow a container that goes on.
func (p *player) logs(ctx context.Context, key string) {
	seen := p.seen.pods[key]
	for _, expected := range p.file.Expect.Pods[key].Logs {
		a := &answer{done: make(chan struct{})}
		seen.logs = append(seen.logs, a)
		go p.ask(ctx, key, expected, a)
		if !expected.Follow || !p.runs(key, expected.Container) {
			<-a.done
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

func (p *player) ask(ctx context.Context, key string, expected scenario.LogExpectation, a *answer) {
	defer close(a.done)
	ctx, cancel := context.WithTimeout(ctx, p.options.CallTimeout)
	defer cancel()
	stream, err := p.kubelet.Logs(ctx, key, expected.Container, wire.LogOpts{
		Tail: expected.Tail, Bytes: expected.Bytes, Timestamps: expected.Timestamps,
		Previous: expected.Previous, Follow: expected.Follow,
	})
	if err != nil {
		a.err = err
		return
	}
	defer func() { _ = stream.Close() }() // it has been read
	text, err := io.ReadAll(io.LimitReader(stream, maxLog+1))
	switch {
	case ctx.Err() != nil:
		a.err = fmt.Errorf("it did not end within %s", p.options.CallTimeout)
	case err != nil:
		a.err = fmt.Errorf("it broke off: %w", err)
	case len(text) > maxLog:
		a.err = fmt.Errorf("it is longer than %d bytes", maxLog)
	}
	a.text = string(text)
}

// lines of a log; with timestamps each must begin with one, which is cut off.
func lines(text string, timestamps bool) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := range all {
		if !timestamps {
			continue
		}
		stamp, rest, found := strings.Cut(all[i], " ")
		if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil || !found {
			return nil, fmt.Errorf("line %q does not begin with a time", all[i])
		}
		all[i] = rest
	}
	return all, nil
}
