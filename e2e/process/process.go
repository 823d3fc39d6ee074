package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// stopTimeout is how long a program may take to end after SIGTERM.
const stopTimeout = 20 * time.Second

// Spec describes a program to run.
type Spec struct {
	Path string
	Args []string
	Env  []string // added to the environment of this process; these values win
	Log  string   // file that standard output and error are appended to
}

// Process is a program that was started.
type Process struct {
	spec       Spec
	cmd        *exec.Cmd
	guard      *exec.Cmd
	guardInput io.Closer
	done       chan struct{}
	err        error // how the program ended; read it only after done is closed
}

// A test binary that panics, times out or is killed runs no cleanup. So a shell, the
// guard, runs next to each program. It reads its standard input, a pipe that only this
// process holds open, and kills the process group of the program at the end of it.
const guardScript = `cat >/dev/null; kill -s KILL -- "-$1"`

// Start runs a program, until Stop or Kill or the end of this process.
func Start(spec Spec) (*Process, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // only the program writes to it
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = append(os.Environ(), spec.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	// With its own process group, all that the program starts can be ended with it, and Ctrl-C in the terminal
	// does not end the program before the test does.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{spec: spec, cmd: cmd, done: make(chan struct{})}
	if p.guard, p.guardInput, err = startGuard(cmd.Process.Pid); err != nil {
		p.killGroup()
		return nil, errors.Join(fmt.Errorf("start the guard of %s: %w", p.Name(), err), cmd.Wait())
	}
	go p.wait()
	return p, nil
}

func startGuard(group int) (*exec.Cmd, io.Closer, error) {
	guard := exec.Command("/bin/sh", "-c", guardScript, "guard", strconv.Itoa(group))
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	input, err := guard.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	return guard, input, guard.Start()
}

// wait waits for the program and then kills its process group at once: later, the ID
// of the group may belong to other processes.
func (p *Process) wait() {
	p.err = p.cmd.Wait()
	p.killGroup()
	_ = p.guard.Process.Kill() // so that it kills no other group
	_ = p.guardInput.Close()
	_ = p.guard.Wait()
	close(p.done)
}

func (p *Process) killGroup() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

// Name returns the file name of the program, for messages.
func (p *Process) Name() string { return filepath.Base(p.spec.Path) }

// Done returns a channel that is closed when the program has ended for any reason.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended returns nil while the program runs. After that it returns how the program
// ended, with the end of its log.
func (p *Process) Ended() error {
	select {
	case <-p.done:
		err := p.err
		if err == nil {
			err = errors.New("exit status 0")
		}
		return fmt.Errorf("%s ended: %w\n%s", p.Name(), err, p.Tail())
	default:
		return nil
	}
}

// Stop sends SIGTERM to the program, and kills it after a timeout. All that the
// program started ends with it. Stop and Kill can be called more than once.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		p.Kill()
	}
}

// Kill kills the program and all that it started.
func (p *Process) Kill() {
	select {
	case <-p.done:
	default:
		p.killGroup()
		<-p.done
	}
}

// Tail returns the end of the program's log.
func (p *Process) Tail() string { return Tail(p.spec.Log) }

// tailSize is how many bytes of a log the message of a failed test shows.
const tailSize = 10_000

// Tail returns the end of a log file, after a line with its name.
func Tail(path string) string {
	text, err := tail(path)
	if err != nil {
		text = err.Error()
	}
	return fmt.Sprintf("--- end of %s\n%s", filepath.Base(path), text)
}

// tail reads only what it returns, because logs can be large.
func tail(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // it is only read
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	from := max(0, info.Size()-tailSize)
	text, err := io.ReadAll(io.NewSectionReader(file, from, tailSize))
	return string(text), err
}
