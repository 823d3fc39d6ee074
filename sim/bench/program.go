package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// program is the built plugin, or the peer of its status calls, which runs as a process.
type program struct {
	*caller
	process *exec.Cmd
	output  string // the file with its log
}

// startTimeout is long enough to list 10,000 pods on a busy machine.
const startTimeout = 2 * time.Minute

// start starts the built plugin with its default configuration and these flags, and waits until it is ready.
func (b *Bench) start(ctx context.Context, flags ...string) (*program, error) {
	return b.startIn(ctx, nil, flags...)
}

// startIn is start with more variables in the environment.
func (b *Bench) startIn(ctx context.Context, environ []string, flags ...string) (*program, error) {
	b.started++
	socket := b.path("sock")
	admin, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p, err := b.launch(socket, environ, b.program, append([]string{"--app-socket-address=unix://" + socket,
		"--app-admin-address=" + admin, "--k8s-kubeconfig-path=" + b.kubeconfig}, flags...)...)
	if err != nil {
		return nil, err
	}
	if err := waitReady(ctx, admin); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// launch starts a program that will serve on a unix socket.
func (b *Bench) launch(socket string, environ []string, path string, flags ...string) (*program, error) {
	p := &program{caller: newCaller(socket), process: exec.Command(path, flags...), output: b.path("log")}
	output, err := os.Create(p.output)
	if err != nil {
		return nil, err
	}
	defer output.Close() //nolint:errcheck // only the process writes to it
	p.process.Stdout, p.process.Stderr = output, output
	p.process.Env = append(os.Environ(), environ...)
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	b.launched = append(b.launched, p.process.Process.Pid)
	return p, nil
}

// defaultProgram returns a plugin with the default configuration, which several measurements share.
func (b *Bench) defaultProgram(ctx context.Context) (_ *program, err error) {
	if b.shared == nil {
		b.shared, err = b.start(ctx)
	}
	return b.shared, err
}

// stop ends the process. An error contains the end of its log.
func (p *program) stop() error {
	p.close()
	if err := p.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := p.process.Wait(); err != nil {
		log, _ := os.ReadFile(p.output)
		return fmt.Errorf("%s: %w; the end of its log:\n%s", filepath.Base(p.process.Path), err, log[max(0, len(log)-4000):])
	}
	return nil
}

// waitReady waits until /readyz answers 200.
func waitReady(ctx context.Context, admin string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/readyz", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the plugin does not become ready: %w", ctx.Err())
		case <-time.After(poll):
		}
	}
}

// poll is the pause between two looks at something that will happen.
const poll = 2 * time.Millisecond

// freeAddress returns a TCP address on which no program listens at the moment.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
