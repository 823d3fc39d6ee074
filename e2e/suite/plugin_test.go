//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/process"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// patience bounds each wait for what must come; nothing is judged by it.
const patience = 3 * time.Minute

// pluginProgram is the built plugin behind its unix socket.
type pluginProgram struct {
	address string
	spec    process.Spec
	process *process.Process
}

var pluginCount atomic.Int32

// startPlugin runs the plugin with the rights of an account.
func startPlugin(t *testing.T, a account, env ...string) *pluginProgram {
	t.Helper()
	name := fmt.Sprintf("plugin-%d", pluginCount.Add(1))
	p := &pluginProgram{address: "unix://" + filepath.Join(stage.folder, name+".sock")}
	p.spec = process.Spec{
		Path: filepath.Join(os.Getenv("E2E_BIN_DIR"), "interlink-kubernetes-plugin"),
		Env: append([]string{
			"CONFIG_FILE_PATH=" + os.DevNull,
			"APP_SOCKET_ADDRESS=" + p.address, "APP_INSTANCE=" + name, // several share the remote cluster
			"K8S_KUBECONFIG_PATH=" + a.kubeconfig, "LOG_LEVEL=DEBUG",
		}, env...),
		Log: filepath.Join(stage.folder, name+".log"),
	}
	p.start(t)
	t.Cleanup(func() {
		p.process.Stop()
		if t.Failed() {
			t.Log(p.process.Tail())
		}
	})
	return p
}

func (p *pluginProgram) start(t *testing.T) {
	t.Helper()
	var err error
	if p.process, err = process.Start(p.spec); err != nil {
		t.Fatal(err)
	}
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{Plugin: p.address, CallTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer kubelet.Close()
	eventually(t, "the plugin answers", func(ctx context.Context) error {
		return errors.Join(p.process.Ended(), kubelet.CheckPlugin(ctx))
	})
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(stage.ctx, patience)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%s: not within %s: %v", what, patience, err)
		}
	}
}

// local is a local cluster, whose pods go by a plugin.
type local struct {
	*testing.T
	*virtualkubelet.Kubelet
	removed map[string]bool
}

// newLocal polls as InterLink does, until the test ends.
func newLocal(t *testing.T, plugin string) *local {
	t.Helper()
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{Plugin: plugin, CallTimeout: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(stage.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_ = kubelet.Poll(ctx) // what it shows is what counts
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() { stop(); <-ended; kubelet.Close() })
	return &local{t, kubelet, map[string]bool{}}
}

// create sends a pod's create, which must be taken, and deletes it in the end.
func (l *local) create(pod *corev1.Pod) string {
	l.Helper()
	if err := l.Create(stage.ctx, pod); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		if !l.removed[pod.Name] {
			l.remove(pod.Name)
		}
	})
	return pod.Name
}

func (l *local) remove(name string) {
	l.Helper()
	l.removed[name] = true
	if err := l.Delete(context.WithoutCancel(stage.ctx), name); err != nil {
		l.Error(err)
	}
}

// phase waits until the local cluster shows a phase.
func (l *local) phase(name string, want corev1.PodPhase) corev1.PodStatus {
	l.Helper()
	eventually(l.T, fmt.Sprintf("pod %s is %s", name, want), func(context.Context) error {
		if status := l.Status(name); status.Phase != want {
			return fmt.Errorf("it is %s (%s): %+v", status.Phase, status.Message, status.ContainerStatuses)
		}
		return nil
	})
	return l.Status(name)
}

// shell is a pod with one container that runs a script.
func shell(name, script string, change ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		RestartPolicy:                 corev1.RestartPolicyNever,
		TerminationGracePeriodSeconds: new(int64),
		AutomountServiceAccountToken:  new(bool),
		Containers: []corev1.Container{{
			Name: "main", Image: "busybox:1.37", Command: []string{"sh", "-c", strings.TrimSpace(script)},
		}},
	}}
	pod.Name = name
	for _, c := range change {
		c(pod)
	}
	return pod
}
