package play

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// honest is a small plugin that really runs the commands of containers, as processes of
// this machine. Its time is the number of polls: what sleeps for 20 s sleeps for four polls.
type honest struct {
	t      *testing.T
	folder string
	// forgetsDeletes, createsTwice, replaces and oneLog are faults.
	forgetsDeletes, createsTwice, replaces, oneLog bool
	// hasJobLog says that logs have lines of the job before and after those of the container.
	hasJobLog bool

	mu   sync.Mutex
	pods map[types.UID][]*processes // one for each run of the pod
}

// processes are the containers of one pod.
type processes struct {
	pod    corev1.Pod
	folder string
	polls  int

	mu     sync.Mutex
	states map[string]corev1.ContainerState
	kill   []func()
}

// sleepScript takes the place of sleep: a second is a fifth of a poll.
const sleepScript = `#!/bin/sh
wake=$(($(cat "$CONTAINER/polls") + ($1 + 4) / 5))
echo $wake > "$CONTAINER/new" && mv "$CONTAINER/new" "$CONTAINER/wake"
while [ "$(cat "$CONTAINER/polls")" -lt $wake ]; do /bin/sleep 0.03; done
rm "$CONTAINER/wake"
`

func newHonest(t *testing.T) *honest {
	t.Helper()
	h := &honest{t: t, folder: t.TempDir(), pods: map[types.UID][]*processes{}}
	for _, folder := range []string{"bin", "jobs"} {
		if err := os.Mkdir(filepath.Join(h.folder, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(h.folder, "bin", "sleep"), []byte(sleepScript), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, runs := range h.pods {
			for _, p := range runs {
				p.stop()
			}
		}
	})
	return h
}

func (h *honest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/create":
		var request interlink.CreateBody
		_ = json.Unmarshal(body, &request)
		h.create(request.Pod)
		_ = json.NewEncoder(w).Encode(wire.CreateResponse{PodUID: string(request.Pod.UID), PodJID: "job-" + string(request.Pod.UID)})
	case "/status":
		var pods []corev1.Pod
		_ = json.Unmarshal(body, &pods)
		answer := []wire.PodStatus{}
		for i := range pods {
			if runs := h.runs(pods[i].UID); len(runs) > 0 {
				answer = append(answer, runs[0].status())
			}
		}
		_ = json.NewEncoder(w).Encode(answer)
	case "/delete":
		var pod corev1.Pod
		_ = json.Unmarshal(body, &pod)
		if !h.forgetsDeletes {
			h.delete(pod.UID)
		}
	case "/getLogs":
		var request wire.LogRequest
		_ = json.Unmarshal(body, &request)
		if runs := h.runs(types.UID(request.PodUID)); len(runs) > 0 {
			text, _ := os.ReadFile(filepath.Join(h.logFolder(runs[0]), request.ContainerName, "log"))
			if h.hasJobLog {
				text = []byte("loading modules\n" + string(text))
				if runs[0].state(request.ContainerName).Terminated != nil {
					text = append(text, "\nreal 0m20s\n"...)
				}
			}
			if limit := int(request.Opts.Bytes); limit > 0 {
				text = text[:min(limit, len(text))]
			}
			_, _ = w.Write(lastLines(text, int(request.Opts.Tail)))
		}
	}
}

// logFolder is the folder of the pod whose logs are answered.
func (h *honest) logFolder(p *processes) string {
	if h.oneLog {
		return filepath.Join(h.folder, "first")
	}
	return p.folder
}

func lastLines(text []byte, tail int) []byte {
	lines := strings.SplitAfter(string(text), "\n")
	if tail <= 0 || len(lines)-1 <= tail {
		return text
	}
	return []byte(strings.Join(lines[len(lines)-1-tail:], ""))
}

func (h *honest) runs(uid types.UID) []*processes {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pods[uid]
}

func (h *honest) create(pod corev1.Pod) {
	h.mu.Lock()
	defer h.mu.Unlock()
	runs := h.pods[pod.UID]
	switch {
	case len(runs) > 0 && h.replaces:
		runs[0].stop()
		_ = os.Remove(filepath.Join(h.folder, "jobs", filepath.Base(runs[0].folder)))
	case len(runs) > 0 && !h.createsTwice:
		return
	}
	p := &processes{pod: pod, folder: filepath.Join(h.folder, fmt.Sprintf("%s-%d", pod.UID, len(runs))), states: map[string]corev1.ContainerState{}}
	for i := range pod.Spec.Containers {
		p.start(h.t, &pod.Spec.Containers[i], filepath.Join(h.folder, "bin"))
	}
	if h.pods[pod.UID] = append(runs, p); h.replaces {
		h.pods[pod.UID] = []*processes{p}
	}
	_ = os.Symlink(p.folder, filepath.Join(h.folder, "first")) // only the first pod gets the name
	if err := os.WriteFile(filepath.Join(h.folder, "jobs", filepath.Base(p.folder)), nil, 0o600); err != nil {
		h.t.Error(err)
	}
}

func (h *honest) delete(uid types.UID) {
	for _, p := range h.runs(uid) {
		p.stop()
		_ = os.Remove(filepath.Join(h.folder, "jobs", filepath.Base(p.folder))) // a second delete finds none
	}
}

// start starts a container as a process group of its own.
func (p *processes) start(t *testing.T, c *corev1.Container, bin string) {
	folder := filepath.Join(p.folder, c.Name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Error(err)
		return
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Error(err)
		return
	}
	argv := append(append([]string{}, c.Command...), c.Args...)
	command := exec.Command(argv[0], argv[1:]...)
	command.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "CONTAINER=" + folder}
	for _, v := range c.Env {
		command.Env = append(command.Env, v.Name+"="+v.Value)
	}
	if argv[0] == "sleep" {
		command.Path = filepath.Join(bin, "sleep")
	}
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.writePolls(t, folder, 0)
	if err := command.Start(); err != nil {
		t.Error(err)
		return
	}
	ended := make(chan struct{})
	p.states[c.Name] = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	p.kill = append(p.kill, func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // it may have ended
		<-ended
	})
	go func() {
		defer close(ended)
		var failure *exec.ExitError
		err := command.Wait()
		_ = log.Close()
		code := int32(0)
		if errors.As(err, &failure) {
			status, _ := failure.Sys().(syscall.WaitStatus)
			if code = int32(status.ExitStatus()); status.Signaled() {
				code = 128 + int32(status.Signal())
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.states[c.Name] = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
	}()
}

func (p *processes) writePolls(t *testing.T, folder string, polls int) {
	file := filepath.Join(folder, "polls")
	if err := errors.Join(os.WriteFile(file+".new", []byte(strconv.Itoa(polls)+"\n"), 0o600), os.Rename(file+".new", file)); err != nil {
		t.Error(err)
	}
}

// status lets the time of a poll pass, and returns what the containers do then.
func (p *processes) status() wire.PodStatus {
	p.polls++
	status := wire.PodStatus{Name: p.pod.Name, UID: string(p.pod.UID), Namespace: p.pod.Namespace, JID: "job-" + string(p.pod.UID)}
	for i := range p.pod.Spec.Containers {
		name := p.pod.Spec.Containers[i].Name
		folder := filepath.Join(p.folder, name)
		p.writePolls(nil, folder, p.polls)
		for p.state(name).Running != nil && !sleeps(folder, p.polls) {
			time.Sleep(time.Millisecond)
		}
		status.Containers = append(status.Containers, corev1.ContainerStatus{Name: name, State: p.state(name)})
	}
	return status
}

func (p *processes) state(container string) corev1.ContainerState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states[container]
}

// sleeps reports whether a container sleeps until a later poll.
func sleeps(folder string, polls int) bool {
	text, err := os.ReadFile(filepath.Join(folder, "wake"))
	wake, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && wake > polls
}

func (p *processes) stop() {
	for _, kill := range p.kill {
		kill()
	}
}
