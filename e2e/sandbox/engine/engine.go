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

// Folder contains the socket, the process ID and the log of an engine that this package
// started. The data of the engine are in the cache.
const Folder = "/run/interlink-e2e"

var (
	socket  = filepath.Join(Folder, "docker.sock")
	pidFile = filepath.Join(Folder, "docker.pid")
	logFile = filepath.Join(Folder, "docker.log")
)

// Ensure makes sure that the docker commands of this process and of its children reach an
// engine: one that answers already, or one of an earlier run, or a new one with its data in
// the cache. It reports whether this package started the engine (own), so that Stop must
// be called.
func Ensure(ctx context.Context, cache string, log func(format string, args ...any)) (own bool, err error) {
	found, own, err := Find(ctx)
	if found || err != nil {
		return own, err
	}
	if os.Getuid() != 0 {
		return false, errors.New("no Docker engine answers, and only root can start one: start Docker, or run as root")
	}
	log("no Docker engine answers: starting an engine")
	if err := Install(ctx, log, map[string]string{"docker": "docker.io", "dockerd": "docker.io", "iptables": "iptables"}); err != nil {
		return false, err
	}
	return true, start(ctx, filepath.Join(cache, "docker"))
}

// Find does the same without starting an engine. It reports whether one was found.
func Find(ctx context.Context) (found, own bool, err error) {
	if checkEngine(ctx) == nil {
		return true, os.Getenv("DOCKER_HOST") == "unix://"+socket, nil
	}
	if host := os.Getenv("DOCKER_HOST"); host != "" && host != "unix://"+socket {
		return false, false, fmt.Errorf("no Docker engine answers at DOCKER_HOST, which is %s: %w", host, checkEngine(ctx))
	}
	if err := os.Setenv("DOCKER_HOST", "unix://"+socket); err != nil {
		return false, false, err
	}
	found = checkEngine(ctx) == nil
	return found, found, nil
}

// checkEngine returns an error if the engine of the docker command does not answer.
func checkEngine(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "docker", "version", "--format", "{{.Server.Version}}").CombinedOutput()
	if err != nil {
		return fmt.Errorf("docker version: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// start starts an engine in its own session: an interrupt of the tests must not end the
// engine before the containers are deleted.
func start(ctx context.Context, cache string) error {
	for _, folder := range []string{Folder, cache} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	args := []string{
		"--host", "unix://" + socket, "--pidfile", pidFile,
		"--data-root", filepath.Join(cache, "data"), "--exec-root", filepath.Join(Folder, "exec"),
		"--bridge", "none", // kind creates its own network
	}
	allowed, err := allowsCapability(sysResource)
	if err != nil {
		return err
	}
	if !allowed {
		shim, err := Shim(ctx, cache)
		if err != nil {
			return err
		}
		args = append(args, "--add-runtime", "relaxed="+shim, "--default-runtime", "relaxed")
	}
	if err := saveRules(ctx); err != nil {
		return err
	}
	out, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer out.Close() //nolint:errcheck // only the engine writes to it
	cmd := exec.Command("dockerd", args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a Docker engine: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its log contains the reason
	}()
	for limit := time.After(2 * time.Minute); ; {
		if err = checkEngine(ctx); err == nil {
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
		_ = cmd.Process.Signal(syscall.SIGTERM) // the file with its process ID may not exist yet
		<-ended
		return errors.Join(fmt.Errorf("the Docker engine did not start: %w\n%s", err, log), Stop(context.WithoutCancel(ctx)))
	}
}

// Stop stops the engine that this package started, in this process or an earlier one, and
// deletes its network rules. It does nothing if there is none.
func Stop(ctx context.Context) error {
	text, err := os.ReadFile(pidFile)
	if errors.Is(err, os.ErrNotExist) {
		restoreRules(ctx) // of an engine that did not start completely
		return os.RemoveAll(Folder)
	}
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("read the process ID of the engine in %s: %w", pidFile, err)
	}
	if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); strings.TrimSpace(string(name)) == "dockerd" {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			return fmt.Errorf("stop the Docker engine (process %d): %w", pid, err)
		}
		for limit := time.Now().Add(time.Minute); running(pid); {
			if time.Now().After(limit) {
				return fmt.Errorf("the Docker engine (process %d) did not stop after SIGTERM\n%s", pid, tail(logFile))
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	restoreRules(ctx)
	return os.RemoveAll(Folder)
}

// running reports whether a process runs. A process that has ended and is not collected
// yet (a zombie) does not run.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func tail(path string) string {
	text, _ := os.ReadFile(path)
	return string(text[max(0, len(text)-4000):])
}
