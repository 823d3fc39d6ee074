package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

const (
	pingTimeout   = 10 * time.Second // a network policy can drop the packets of a connection
	statusTimeout = 15 * time.Second // of one call
	logTimeout    = 30 * time.Second
	// callTimeout limits a whole call: longer than InterLink waits for the begin of an answer.
	callTimeout = 150 * time.Second
	// A delete that fails is sent again, also after the caller gave up: each try may take deleteTimeout.
	deleteTries, deleteTimeout = 3, 15 * time.Second
	logTries                   = 2
	maxLog                     = 16 << 10
)

// seeLog is what to do if the plugin itself fails.
const seeLog = "the log of the plugin has the cause"

// Options describe a trial.
type Options struct {
	// Kubelet says where the plugin, or the InterLink API server in front of it, is.
	Kubelet virtualkubelet.Config
	// Pod is the pod to send. It must end by itself.
	Pod *corev1.Pod
	// Expect is a text that the log of the pod must contain; empty for any log.
	Expect string
	// Startup is how long a ping without an answer is sent again.
	Startup time.Duration
	// Timeout is how long the pod may take to end after its create.
	Timeout time.Duration
	// Every is the time between two status calls.
	Every time.Duration
	// Say is called with each step (plugin, create, status, log, delete) and what came of it.
	Say func(step, text string)
}

// trial is a trial that runs.
type trial struct {
	Options
	kubelet *virtualkubelet.Kubelet
	said    string // the last status
	stale   error  // of the last status call
}

// Run sends the pod and deletes it, whatever came of it. An error says in words which step
// failed, and why.
func Run(ctx context.Context, options Options) (err error) {
	options.Kubelet.CallTimeout = cmp.Or(options.Kubelet.CallTimeout, callTimeout)
	kubelet, err := virtualkubelet.New(options.Kubelet)
	if err != nil {
		return err
	}
	defer kubelet.Close()
	t := &trial{Options: options, kubelet: kubelet}
	if err := t.ping(ctx); err != nil {
		return fmt.Errorf("plugin: %w; start the plugin, or correct its address", err)
	}
	t.Say("plugin", "answers at "+t.Kubelet.Plugin)
	defer func() { err = errors.Join(err, t.remove(ctx)) }()
	if err := t.create(ctx); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	if err := t.wait(ctx); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	if err := t.log(ctx); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}

// ping waits until the plugin answers.
func (t *trial) ping(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, t.Startup)
	defer cancel()
	for {
		once, cancel := context.WithTimeout(ctx, pingTimeout)
		err := t.kubelet.CheckPlugin(once)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("%w: a network policy or a firewall may forbid the connection", err)
		}
		if err == nil || !t.sleep(limited) {
			return err
		}
	}
}

// sleep waits until the next call. It returns false if ctx ends before.
func (t *trial) sleep(ctx context.Context) bool {
	timer := time.NewTimer(t.Every)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (t *trial) create(ctx context.Context) error {
	err := t.kubelet.Create(ctx, t.Pod)
	if refusal, ok := errors.AsType[*virtualkubelet.Refusal](err); ok {
		if refusal.Status == 0 {
			return fmt.Errorf("no answer: %s; %s", refusal.Body, seeLog)
		}
		return fmt.Errorf("the pod is refused with code %d: %s", refusal.Status, refusal.Words())
	}
	if ctx.Err() != nil {
		return errors.New("stopped before the answer")
	}
	if err != nil {
		return err
	}
	t.Say("create", "accepted: the remote pod is "+t.kubelet.Pod(t.Pod.Name).Annotations[wire.AnnotationJobID])
	return nil
}

// wait polls until the pod has ended.
func (t *trial) wait(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	for {
		err := t.poll(limited)
		if panicked, ok := errors.AsType[*virtualkubelet.Panic](err); ok {
			return panicked
		}
		if limited.Err() == nil {
			t.stale = err
		}
		status := t.kubelet.Status(t.Pod.Name)
		if text := describe(status); text != t.said {
			t.said = text
			t.Say("status", text)
		}
		switch status.Phase {
		case corev1.PodSucceeded:
			return nil
		case corev1.PodFailed:
			return errors.New("the pod has failed: " + t.said)
		}
		if !t.sleep(limited) {
			return t.late(ctx)
		}
	}
}

// poll sends one status call.
func (t *trial) poll(ctx context.Context) error {
	once, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	err := t.kubelet.Poll(once)
	if once.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("a status call was not answered within %s", statusTimeout)
	}
	return err
}

// late says why the pod has not ended.
func (t *trial) late(ctx context.Context) error {
	if ctx.Err() != nil {
		return errors.New("stopped before the pod had ended; its last status is " + t.said)
	}
	text := fmt.Sprintf("the pod has not ended within %s; its last status is %s", t.Timeout, t.said)
	if t.stale != nil {
		text += "; " + t.stale.Error() + "; " + seeLog
	}
	return errors.New(text)
}

// describe says how a pod is: its phase, and what its containers wait for or ended with.
func describe(status corev1.PodStatus) string {
	words := []string{string(status.Phase)}
	for _, c := range append(status.InitContainerStatuses, status.ContainerStatuses...) {
		switch state := c.State; {
		case state.Waiting != nil && state.Waiting.Reason+state.Waiting.Message != "":
			words = append(words, c.Name+" waits"+because(state.Waiting.Reason, state.Waiting.Message))
		case state.Terminated != nil && state.Terminated.ExitCode != 0:
			words = append(words, fmt.Sprintf("%s ended with exit code %d%s", c.Name, state.Terminated.ExitCode, because("", state.Terminated.Message)))
		}
	}
	return strings.Join(words, ", ")
}

// because joins those of the words that are not empty.
func because(words ...string) string {
	text := ""
	for _, word := range words {
		if word = strings.TrimSpace(word); word != "" {
			text += ": " + word
		}
	}
	return text
}

func (t *trial) log(ctx context.Context) error {
	name := t.Pod.Spec.Containers[0].Name
	text, err := t.readLog(ctx, name)
	for try := 1; err != nil && try < logTries && t.sleep(ctx); try++ {
		text, err = t.readLog(ctx, name)
	}
	if err != nil {
		return fmt.Errorf("%w; %s", err, seeLog)
	}
	if !strings.Contains(text, t.Expect) {
		return fmt.Errorf("the log of container %s is %q, without %q", name, text, t.Expect)
	}
	t.Say("log", strings.TrimSpace(text))
	return nil
}

// readLog returns the begin of the log of a container.
func (t *trial) readLog(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	reader, err := t.kubelet.Logs(ctx, t.Pod.Name, name, wire.LogOpts{})
	if err != nil {
		return "", err
	}
	defer func() { _ = reader.Close() }() // what was read is enough
	text, err := io.ReadAll(io.LimitReader(reader, maxLog))
	if err != nil {
		return "", fmt.Errorf("the log of container %s ended early: %w", name, err)
	}
	return string(text), nil
}

// remove deletes the pod, also after the caller gave up. An error says what may be left.
func (t *trial) remove(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	uid := t.kubelet.Pod(t.Pod.Name).UID
	err := t.sendDelete(ctx, t.kubelet.Delete)
	for try := 1; err != nil && try < deleteTries && t.sleep(ctx); try++ {
		err = t.sendDelete(ctx, t.kubelet.DeleteAgain)
	}
	if err != nil {
		return fmt.Errorf("delete: %w; the pod may be left in the remote cluster: delete it there with kubectl delete pods -A -l %s=%s", err, wire.LabelPodUID, uid)
	}
	t.Say("delete", "accepted")
	return nil
}

func (t *trial) sendDelete(ctx context.Context, send func(context.Context, string) error) error {
	ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
	defer cancel()
	return send(ctx, t.Pod.Name)
}
