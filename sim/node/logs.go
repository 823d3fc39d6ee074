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

// Logs is what the containers wrote: the present and the previous run of each.
// The zero value is empty. It is safe for concurrent use.
type Logs struct {
	now  func() time.Time
	mu   sync.Mutex
	pods map[types.NamespacedName]map[string]*logOf
}

type logOf struct {
	previous, current *output
}

// output is of one run, all written as it began.
type output struct {
	at    time.Time
	lines []string
	ended chan struct{}
	once  sync.Once
}

func (o *output) end() {
	if o != nil {
		o.once.Do(func() { close(o.ended) })
	}
}

func (l *Logs) begin(pod types.NamespacedName, r run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pods == nil {
		l.pods = map[types.NamespacedName]map[string]*logOf{}
	}
	if l.pods[pod] == nil {
		l.pods[pod] = map[string]*logOf{}
	}
	if l.pods[pod][r.container] == nil {
		l.pods[pod][r.container] = &logOf{}
	}
	log := l.pods[pod][r.container]
	log.current.end()
	log.previous, log.current = log.current, &output{at: r.at, lines: r.output, ended: make(chan struct{})}
}

func (l *Logs) end(pod types.NamespacedName, container string) {
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

// Open opens the log of a container with the meaning and the words of a
// kubelet. It has the shape of sim/fakecluster's Options.Logs.
func (l *Logs) Open(ctx context.Context, pod *corev1.Pod, options *corev1.PodLogOptions) (io.ReadCloser, error) {
	return l.open(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}, options)
}

func (l *Logs) open(ctx context.Context, pod types.NamespacedName, options *corev1.PodLogOptions) (io.ReadCloser, error) {
	l.mu.Lock()
	var of *output
	if log := l.pods[pod][options.Container]; log != nil {
		if of = log.current; options.Previous {
			of = log.previous
		}
	}
	l.mu.Unlock()
	switch {
	case of == nil && options.Previous:
		return nil, fmt.Errorf("previous terminated container %q in pod %q not found", options.Container, pod.Name)
	case of == nil:
		return nil, fmt.Errorf("container %q in pod %q is waiting to start: ContainerCreating", options.Container, pod.Name)
	}
	text := of.text(options, l.time())
	limited := options.LimitBytes != nil && int64(len(text)) >= *options.LimitBytes
	if !options.Follow || options.Previous || limited {
		return io.NopCloser(bytes.NewReader(text)), nil
	}
	reader, writer := io.Pipe()
	go func() {
		if _, err := writer.Write(text); err != nil {
			return // the reader has left
		}
		select {
		case <-of.ended:
			_ = writer.Close() // a pipe's never fails
		case <-ctx.Done():
			_ = writer.CloseWithError(ctx.Err())
		}
	}()
	// A context that ends must also end a writer that nobody reads from.
	context.AfterFunc(ctx, func() { _ = writer.CloseWithError(ctx.Err()) })
	return reader, nil
}

func (l *Logs) time() time.Time {
	if l.now == nil {
		return time.Now()
	}
	return l.now()
}

// text is a run's output as the options want it: since, then the tail, then as
// many bytes.
func (o *output) text(options *corev1.PodLogOptions, now time.Time) []byte {
	lines := o.lines
	since := time.Time{}
	if options.SinceSeconds != nil {
		since = now.Add(-time.Duration(*options.SinceSeconds) * time.Second)
	}
	if options.SinceTime != nil {
		since = options.SinceTime.Time
	}
	if o.at.Before(since) {
		lines = nil
	}
	if options.TailLines != nil {
		lines = lines[max(0, len(lines)-int(max(0, *options.TailLines))):]
	}
	var text []byte
	for _, line := range lines {
		if options.Timestamps {
			text = append(o.at.UTC().AppendFormat(text, time.RFC3339Nano), ' ')
		}
		text = append(append(text, line...), '\n')
	}
	if limit := options.LimitBytes; limit != nil && int64(len(text)) > *limit {
		text = text[:max(0, *limit)]
	}
	return text
}
