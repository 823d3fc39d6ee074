package mesh

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shells are those that images have as /bin/sh, as far as this machine has them.
func shells(t *testing.T) map[string][]string {
	found := map[string][]string{}
	for name, command := range map[string][]string{"dash": {"dash"}, "bash": {"bash", "--posix"}, "busybox": {"busybox", "sh"}} {
		if path, err := exec.LookPath(command[0]); err == nil {
			found[name] = append([]string{path}, command[1:]...)
		}
	}
	if len(found) == 0 {
		t.Fatal("no shell")
	}
	return found
}

// stage is a container's file system: the folder of the files and the scratch.
type stage struct {
	t              *testing.T
	files, scratch string
	shell          []string
	env            []string
}

func newStage(t *testing.T, shell []string, content map[string]string, env ...string) *stage {
	t.Helper()
	s := &stage{t: t, files: t.TempDir(), scratch: t.TempDir(), shell: shell}
	s.write("run.sh", string(file("run.sh")))
	for name, text := range content {
		s.write(name, text)
	}
	s.env = append(append(os.Environ(), "TMPDIR="+s.scratch), env...)
	return s
}

func (s *stage) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.files, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) there(name string) bool {
	_, err := os.Stat(filepath.Join(s.scratch, name))
	return !errors.Is(err, fs.ErrNotExist)
}

// container is a run of it. It writes to a file: what it leaves running may hold
// that open.
type container struct {
	*stage
	cmd *exec.Cmd
	out *os.File
}

func (c *container) read() string {
	c.t.Helper()
	text, err := os.ReadFile(c.out.Name())
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

func (s *stage) start(args ...string) *container {
	s.t.Helper()
	command := append(append([]string{}, s.shell...), filepath.Join(s.files, "run.sh"))
	if len(args) == 0 {
		args = []string{filepath.Join(s.files, "mesh.sh")}
	}
	command = append(command, args...)
	out, err := os.CreateTemp(s.t.TempDir(), "log")
	if err != nil {
		s.t.Fatal(err)
	}
	c := &container{stage: s, cmd: exec.Command(command[0], command[1:]...), out: out}
	c.cmd.Dir, c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = s.scratch, s.env, out, out
	// Without a process namespace of its own, what it leaves must be ended by the test.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL); _ = out.Close() })
	return c
}

// ends waits for the end, and returns the exit code and what was written.
func (c *container) ends() (int, string) {
	c.t.Helper()
	giveUp := time.AfterFunc(time.Minute, func() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) })
	defer giveUp.Stop()
	err := c.cmd.Wait()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		c.t.Fatal(err)
	}
	return c.cmd.ProcessState.ExitCode(), c.read()
}

func (s *stage) eventually(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	s.t.Fatalf("did not happen: %s", what)
}

const (
	up      = "#!/bin/sh\n: >$TMPDIR/mesh-ready\n"
	forever = "while :; do sleep 1; done\n"
)

// Each script in each shell: how the container ends, and what its last words are.
func TestRun(t *testing.T) {
	long := []string{"MESH_STARTUP_TIMEOUT=600"}
	for _, test := range []struct {
		name    string
		files   map[string]string
		env     []string
		earlier []string // files of earlier runs
		code    int
		says    string
		left    string // a file of scratch, or - and one that must not be there
	}{
		{"the script fails before the network is up", map[string]string{"mesh.sh": "#!/bin/sh\necho no tun device\nexit 3\n"}, long, nil,
			97, "no tun device\nmesh-setup: the script ended with exit code 3 before the network was up\n", "mesh-failed"},
		{"it ends well, and yet the network is not up", map[string]string{"mesh.sh": "#!/bin/sh\n"}, long, nil,
			97, "the script ended with exit code 0 before the network was up\n", "mesh-failed"},
		{"no interpreter", map[string]string{"mesh.sh": "#!/nowhere/bash\n"}, long, nil, 97, "before the network was up\n", "mesh-failed"},
		{"time is up", map[string]string{"mesh.sh": "#!/bin/sh\necho waiting for the peer\n" + forever}, []string{"MESH_STARTUP_TIMEOUT=1"}, nil,
			97, "waiting for the peer\nmesh-setup: the script has been running for 1 s, and the network is not up\n", "mesh-failed"},
		{"time is up while packages are installed", map[string]string{"install.sh": forever, "mesh.sh": up}, []string{"MESH_STARTUP_TIMEOUT=1"}, nil,
			97, "packages were being installed for 1 s, and the network is not up\n", "mesh-failed"},
		{"packages cannot be installed", map[string]string{"install.sh": "echo no mirror\nfalse\ntrue\n", "mesh.sh": up}, long, nil,
			97, "trying again\nno mirror\nmesh-setup: packages could not be installed (exit code 1)\n", "mesh-failed"},
		{"a mirror was away for a moment", map[string]string{"install.sh": "[ -e $TMPDIR/asked ] || { : >$TMPDIR/asked; exit 9; }\n", "mesh.sh": up + "exit 4\n"}, long, nil,
			4, "(exit code 9), trying again\nmesh-setup: the script ended with exit code 4\n", "mesh-ready"},
		{"packages are installed first", map[string]string{"install.sh": "echo packages\n", "mesh.sh": up + "echo up\nexit 4\n"}, long, nil,
			4, "packages\nup\nmesh-setup: the script ended with exit code 4\n", "mesh-ready"},
		{"the script knows how long it may take", map[string]string{"mesh.sh": up + "[ $MESH_TIMEOUT -gt 500 ] && [ $MESH_TIMEOUT -le 595 ] && exit 4\n"}, long, nil,
			4, "", "mesh-ready"},
		{"and that there is hardly any time", map[string]string{"mesh.sh": up + "exit $MESH_TIMEOUT\n"}, []string{"MESH_STARTUP_TIMEOUT=3"}, nil,
			1, "exit code 1\n", "mesh-ready"},
		{"it falls once it was up: worth another run", map[string]string{"mesh.sh": up + "exit 97\n"}, long, nil,
			1, "the script ended with exit code 97\n", "-mesh-failed"},
		{"it was up in an earlier run, and fails now: worth another run", map[string]string{"mesh.sh": "#!/bin/sh\nexit 5\n"}, long, []string{"mesh-was-up", "mesh-ready"},
			1, "the script ended with exit code 5 before the network was up\n", "-mesh-failed"},
		{"the earlier run's readiness does not count", map[string]string{"mesh.sh": "#!/bin/sh\n[ ! -e $TMPDIR/mesh-ready ] || echo stale\nexit 5\n"}, long, []string{"mesh-ready"},
			97, "mesh-setup: the script ended with exit code 5 before the network was up\n", "-mesh-ready"},
		{"a script without an interpreter", map[string]string{"mesh.sh": "exit 6\n"}, long, nil, 97, "exit code 6 before the network", ""},
		{"a tunnel ends: nobody says that it is up", map[string]string{"mesh.sh": "#!/bin/sh\necho gone\nexit 7\n"}, nil, nil,
			7, "gone\nmesh-setup: the script ended with exit code 7\n", "-mesh-failed"},
		{"a tunnel's packages", map[string]string{"install.sh": "exit 8\n", "mesh.sh": up}, nil, nil,
			1, "packages could not be installed (exit code 8)\n", "-mesh-failed"},
	} {
		for name, shell := range shells(t) {
			t.Run(test.name+" in "+name, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, shell, test.files, test.env...)
				for _, earlier := range test.earlier {
					if err := os.WriteFile(filepath.Join(s.scratch, earlier), nil, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				code, out := s.start().ends()
				if code != test.code || !strings.Contains(out, test.says) {
					t.Errorf("ended with %d:\n%s\nwant %d:\n%s", code, out, test.code, test.says)
				}
				if not, name := strings.HasPrefix(test.left, "-"), strings.TrimPrefix(test.left, "-"); name != "" && s.there(name) == not {
					t.Errorf("%s is there: %v", name, !not)
				}
			})
		}
	}
}
