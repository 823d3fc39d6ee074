package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A program is the built plugin, as a process.
type program struct {
	process *exec.Cmd
	ended   chan struct{}
	err     error // of the process; set when ended is closed
	once    sync.Once
}

// startTimeout is long enough for a busy machine.
const startTimeout = 2 * time.Minute

// stopTimeout is longer than the plugin's shutdown_grace.
const stopTimeout = time.Minute

// launch starts the plugin. Its log is added to the file at log.
func launch(path, dir, log string, flags []string) (*program, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer output.Close() //nolint:errcheck // only the process writes to it
	p := &program{process: exec.Command(path, flags...), ended: make(chan struct{})}
	p.process.Dir = dir // without a config.ini
	p.process.Stdout, p.process.Stderr = output, output
	p.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.process.Wait()
		close(p.ended)
	}()
	return p, nil
}

// kill ends the process at once.
func (p *program) kill() {
	p.once.Do(func() { _ = p.process.Process.Kill() })
	<-p.ended
}

// freeze stops the process until it is killed.
func (p *program) freeze() { _ = p.process.Process.Signal(syscall.SIGSTOP) }

// stop lets the process shut down. An error says that it did not end well.
func (p *program) stop() error {
	select {
	case <-p.ended:
		return fmt.Errorf("the plugin has ended by itself: %v", p.err)
	default:
	}
	_ = p.process.Process.Signal(syscall.SIGTERM) // it may have ended a moment ago
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		p.kill()
		return fmt.Errorf("the plugin does not end within %s of SIGTERM", stopTimeout)
	}
	if p.err != nil {
		return fmt.Errorf("the plugin ends with %v", p.err)
	}
	return nil
}

// waitReady waits until the cache of remote pods is filled: until then, the plugin does
// not say of a pod with a job ID that it does not exist.
func (p *program) waitReady(ctx context.Context, client *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	const missing = `[{"metadata":{"name":"missing","namespace":"missing","uid":"missing","annotations":{"JobID":"missing"}},"spec":{"containers":[{"name":"main"}]}}]`
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://unix/status", strings.NewReader(missing))
		if err != nil {
			return err
		}
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the plugin ended before it was ready: %v", p.err)
		case <-ctx.Done():
			return errors.New("the plugin does not become ready")
		case <-time.After(pause):
		}
	}
}
