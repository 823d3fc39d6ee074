package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Logs stores the output of the current and the previous run of each container. The
// zero value is an empty store that uses the real time. It is safe for concurrent use.
type Logs struct {
	now  func() time.Time
	mu   sync.Mutex
	pods map[types.NamespacedName]map[string]*containerLog
}

// NewLogs returns an empty store that uses the time of a clock.
func NewLogs(clock Clock) *Logs { return &Logs{now: clock.Now} }

type containerLog struct {
	previous, current *runOutput
}

// runOutput is the output of one run. The run writes all of it when it starts.
type runOutput struct {
	writtenAt time.Time
	lines     []string
	ended     chan struct{}
	endOnce   sync.Once
}

func (o *runOutput) end() {
	if o != nil {
		o.endOnce.Do(func() { close(o.ended) })
	}
}

func (l *Logs) startRun(pod types.NamespacedName, run containerRun) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pods == nil {
		l.pods = map[types.NamespacedName]map[string]*containerLog{}
	}
	if l.pods[pod] == nil {
		l.pods[pod] = map[string]*containerLog{}
	}
	if l.pods[pod][run.container] == nil {
		l.pods[pod][run.container] = &containerLog{}
	}
	log := l.pods[pod][run.container]
	log.current.end()
	log.previous, log.current = log.current, &runOutput{writtenAt: run.startedAt, lines: run.output, ended: make(chan struct{})}
}

func (l *Logs) endRun(pod types.NamespacedName, container string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if log := l.pods[pod][container]; log != nil {
		log.current.end()
	}
}

func (l *Logs) forget(pod types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, log := range l.pods[pod] {
		log.current.end()
	}
	delete(l.pods, pod)
}

// Open opens the log of a container. The meaning of the options and the texts of the
// errors are those of a kubelet. Its signature is that of Options.Logs in
// sim/fakecluster.
func (l *Logs) Open(ctx context.Context, pod *corev1.Pod, options *corev1.PodLogOptions) (io.ReadCloser, error) {
	return l.open(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}, options)
}

func (l *Logs) open(ctx context.Context, pod types.NamespacedName, options *corev1.PodLogOptions) (io.ReadCloser, error) {
	l.mu.Lock()
	var output *runOutput
	if log := l.pods[pod][options.Container]; log != nil {
		if output = log.current; options.Previous {
			output = log.previous
		}
	}
	l.mu.Unlock()
	switch {
	case output == nil && options.Previous:
		return nil, fmt.Errorf("previous terminated container %q in pod %q not found", options.Container, pod.Name)
	case output == nil:
		return nil, fmt.Errorf("container %q in pod %q is waiting to start: ContainerCreating", options.Container, pod.Name)
	}
	text := output.text(options, l.time())
	limitReached := options.LimitBytes != nil && int64(len(text)) >= *options.LimitBytes
	if !options.Follow || options.Previous || limitReached {
		return io.NopCloser(bytes.NewReader(text)), nil
	}
	return follow(ctx, text, output.ended), nil
}

// follow returns a stream that contains text and stays open until ended is closed or
// ctx is done.
func follow(ctx context.Context, text []byte, ended <-chan struct{}) io.ReadCloser {
	reader, writer := io.Pipe()
	go func() {
		if _, err := writer.Write(text); err != nil {
			return // the reader was closed
		}
		select {
		case <-ended:
			_ = writer.Close() // closing a pipe never fails
		case <-ctx.Done():
			_ = writer.CloseWithError(ctx.Err())
		}
	}()
	// Write blocks while the reader does not read: the end of the context must end it too.
	context.AfterFunc(ctx, func() { _ = writer.CloseWithError(ctx.Err()) })
	return reader
}

func (l *Logs) time() time.Time {
	if l.now == nil {
		return time.Now()
	}
	return l.now()
}

// text returns the part of the output that the options select, in the order of a
// kubelet: first by time, then the last lines, then the number of bytes.
func (o *runOutput) text(options *corev1.PodLogOptions, now time.Time) []byte {
	lines := o.lines
	since := time.Time{}
	if options.SinceSeconds != nil {
		since = now.Add(-time.Duration(*options.SinceSeconds) * time.Second)
	}
	if options.SinceTime != nil {
		since = options.SinceTime.Time
	}
	if o.writtenAt.Before(since) {
		lines = nil
	}
	if options.TailLines != nil {
		lines = lines[max(0, len(lines)-int(max(0, *options.TailLines))):]
	}
	var text []byte
	for _, line := range lines {
		if options.Timestamps {
			text = append(o.writtenAt.UTC().AppendFormat(text, time.RFC3339Nano), ' ')
		}
		text = append(append(text, line...), '\n')
	}
	if limit := options.LimitBytes; limit != nil && int64(len(text)) > *limit {
		text = text[:max(0, *limit)]
	}
	return text
}
