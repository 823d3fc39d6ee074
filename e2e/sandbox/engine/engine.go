package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Folder holds the socket, the process ID and the log of an engine that this
// package has started; its data are in the cache.
const Folder = "/run/interlink-e2e"

var (
	socket  = filepath.Join(Folder, "docker.sock")
	pidFile = filepath.Join(Folder, "docker.pid")
	logFile = filepath.Join(Folder, "docker.log")
)

// Ensure makes every docker command of this process and its children talk to an
// engine that answers: the one that answers already, else one that an earlier run
// has left, else a new one. Its data go to a folder of the cache. It returns
// whether the engine is this package's, so that Stop has to be called.
func Ensure(ctx context.Context, cache string, log func(format string, args ...any)) (ours bool, err error) {
	found, ours, err := Find(ctx)
	if found || err != nil {
		return ours, err
	}
	if os.Getuid() != 0 {
		return false, errors.New("no Docker engine answers, and only root can start one: start Docker")
	}
	log("no Docker engine answers: starting one")
	if err := Install(ctx, log, map[string]string{"docker": "docker.io", "dockerd": "docker.io", "iptables": "iptables"}); err != nil {
		return false, err
	}
	return true, start(ctx, filepath.Join(cache, "docker"))
}

// Find does the same but starts none: it says whether an engine answers.
func Find(ctx context.Context) (found, ours bool, err error) {
	if answers(ctx) == nil {
		return true, os.Getenv("DOCKER_HOST") == "unix://"+socket, nil
	}
	if host := os.Getenv("DOCKER_HOST"); host != "" && host != "unix://"+socket {
		return false, false, fmt.Errorf("no Docker engine answers at DOCKER_HOST, which is %s: %w", host, answers(ctx))
	}
	if err := os.Setenv("DOCKER_HOST", "unix://"+socket); err != nil {
		return false, false, err
	}
	found = answers(ctx) == nil
	return found, found, nil
}

// answers asks the engine that the docker command is set to.
func answers(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "docker", "version", "--format", "{{.Server.Version}}").CombinedOutput()
	if err != nil {
		return fmt.Errorf("docker version: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// start starts an engine in a session of its own: what interrupts the tests must
// not end it before it has removed what they made.
func start(ctx context.Context, cache string) error {
	for _, folder := range []string{Folder, cache} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	args := []string{
		"--host", "unix://" + socket, "--pidfile", pidFile,
		"--data-root", filepath.Join(cache, "data"), "--exec-root", filepath.Join(Folder, "exec"),
		"--bridge", "none", // kind has a network of its own
	}
	able, err := grants(sysResource)
	if err != nil {
		return err
	}
	if !able {
		shim, err := Shim(ctx, cache)
		if err != nil {
			return err
		}
		args = append(args, "--add-runtime", "relaxed="+shim, "--default-runtime", "relaxed")
	}
	if err := keepRules(ctx); err != nil {
		return err
	}
	out, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer out.Close() //nolint:errcheck // the engine has its own descriptor
	cmd := exec.Command("dockerd", args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a Docker engine: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its log says why
	}()
	for limit := time.After(time.Minute); ; {
		if err = answers(ctx); err == nil {
			return nil
		}
		select {
		case <-time.After(300 * time.Millisecond):
			continue
		case <-ended:
		case <-ctx.Done():
			err = ctx.Err()
		case <-limit:
		}
		log := tail(logFile)
		_ = cmd.Process.Signal(syscall.SIGTERM) // there may be no file with its ID yet
		<-ended
		return errors.Join(fmt.Errorf("the Docker engine did not start: %w\n%s", err, log), Stop(context.WithoutCancel(ctx)))
	}
}

// Stop ends the engine that this package has started, here or in an earlier
// process, and takes its network rules away. Nothing happens if there is none.
func Stop(ctx context.Context) error {
	text, err := os.ReadFile(pidFile)
	if errors.Is(err, os.ErrNotExist) {
		dropRules(ctx) // if one has started at all
		return os.RemoveAll(Folder)
	}
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("the engine's process ID in %s: %w", pidFile, err)
	}
	if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); strings.TrimSpace(string(name)) == "dockerd" {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			return fmt.Errorf("stop the Docker engine (process %d): %w", pid, err)
		}
		for limit := time.Now().Add(time.Minute); running(pid); {
			if time.Now().After(limit) {
				return fmt.Errorf("the Docker engine (process %d) goes on after SIGTERM\n%s", pid, tail(logFile))
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	dropRules(ctx)
	return os.RemoveAll(Folder)
}

// running says whether a process goes on; one that has ended and is nobody's
// affair any more (a zombie) does not.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func tail(path string) string {
	text, _ := os.ReadFile(path)
	return string(text[max(0, len(text)-4000):])
}
