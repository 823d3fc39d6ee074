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

// stopGrace is how long a program may take to end when it is asked to.
const stopGrace = 20 * time.Second

// A Spec says what to run.
type Spec struct {
	Path string
	Args []string
	Env  []string // beside this process's own environment, and stronger
	Log  string   // file that standard output and error are appended to
}

// A Process is a program that was started.
type Process struct {
	spec  Spec
	cmd   *exec.Cmd
	guard *exec.Cmd
	hold  io.Closer // the guard's standard input
	done  chan struct{}
	err   error // of the program's end; to be read after done is closed
}

// A test binary that panics, times out or is killed runs no cleanup. So a shell waits beside each program for
// the end of its standard input, a pipe that only this process holds open, and then kills the program's group.
const guardScript = `cat >/dev/null; kill -s KILL -- "-$1"`

// Start runs a program. It ends at Stop or Kill, or with this process.
func Start(spec Spec) (*Process, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the program writes to it, not we
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = append(os.Environ(), spec.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: what the program starts can be ended with it, and the terminal's Ctrl-C leaves the
	// order in which things end to the test.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{spec: spec, cmd: cmd, done: make(chan struct{})}
	if p.guard, p.hold, err = startGuard(cmd.Process.Pid); err != nil {
		p.killGroup()
		return nil, errors.Join(fmt.Errorf("guarding %s: %w", p.Name(), err), cmd.Wait())
	}
	go p.wait()
	return p, nil
}

func startGuard(group int) (*exec.Cmd, io.Closer, error) {
	guard := exec.Command("/bin/sh", "-c", guardScript, "guard", strconv.Itoa(group))
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	hold, err := guard.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	return guard, hold, guard.Start()
}

// wait ends with the program what belongs to it: at once, because afterwards its id may be another's.
func (p *Process) wait() {
	p.err = p.cmd.Wait()
	p.killGroup()
	_ = p.guard.Process.Kill() // before it could kill
	_ = p.hold.Close()
	_ = p.guard.Wait()
	close(p.done)
}

func (p *Process) killGroup() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

// Name is the program's file name, for messages.
func (p *Process) Name() string { return filepath.Base(p.spec.Path) }

// Done is closed when the program has ended, by itself or not.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended is nil while the program runs; then it says how it ended, with the end of its log.
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

// Stop asks the program to end, and kills it when it does not. What it started ends with it.
// Another Stop or Kill changes nothing.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopGrace):
		p.Kill()
	}
}

// Kill ends the program and all that it started at once, as a crash would.
func (p *Process) Kill() {
	select {
	case <-p.done:
	default:
		p.killGroup()
		<-p.done
	}
}

// Tail is the end of the program's log.
func (p *Process) Tail() string { return Tail(p.spec.Log) }

// tailSize is what a person reads of a log in the message of a failed test.
const tailSize = 10_000

// Tail is the end of a log file, under a line that names it.
func Tail(path string) string {
	text, err := tail(path)
	if err != nil {
		text = err.Error()
	}
	return fmt.Sprintf("--- the end of %s\n%s", filepath.Base(path), text)
}

// tail reads no more than it returns: logs of verbose programs are large.
func tail(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	from := max(0, info.Size()-tailSize)
	text, err := io.ReadAll(io.NewSectionReader(file, from, tailSize))
	return string(text), err
}
