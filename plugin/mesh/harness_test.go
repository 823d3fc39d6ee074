package mesh

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

const (
	// longTimeout is a startup timeout that does not pass during a test.
	longTimeout = "MESH_STARTUP_TIMEOUT=600"
	// becomesReady is a script that reports the network as ready and ends.
	becomesReady = "#!/bin/sh\n: >$TMPDIR/mesh-ready\n"
	runsForever  = "while :; do sleep 1; done\n"
)

// forEachShell runs a test in each shell that images have as /bin/sh.
func forEachShell(t *testing.T, test func(t *testing.T, shell []string)) {
	for name, command := range map[string][]string{"dash": {"dash"}, "bash": {"bash", "--posix"}, "busybox": {"busybox", "sh"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, append([]string{testkit.Program(t, command[0])}, command[1:]...))
		})
	}
}

// container is a stand-in for a sidecar: folders for its mounts, and a process that
// runs run.sh.
type container struct {
	*testkit.Process // of the current run
	t                *testing.T
	files, scratch   string // the folders of its two volumes
	shell, env       []string
}

func newContainer(t *testing.T, shell []string, files map[string]string, env ...string) *container {
	t.Helper()
	c := &container{t: t, files: t.TempDir(), scratch: t.TempDir(), shell: shell}
	c.write("run.sh", string(file("run.sh")))
	for name, text := range files {
		c.write(name, text)
	}
	c.env = append(append(os.Environ(), "TMPDIR="+c.scratch), env...)
	return c
}

// newSidecarContainer is a stand-in for a sidecar as it would run in a pod, with its
// files, variables and arguments.
func newSidecarContainer(t *testing.T, shell []string, sidecar Sidecar) (c *container, args []string) {
	t.Helper()
	c = newContainer(t, shell, nil)
	local := strings.NewReplacer(filesPath, c.files, scratchPath, c.scratch)
	for name, content := range sidecar.Files {
		c.write(name, string(content))
	}
	for _, v := range sidecar.Container.Env {
		c.env = append(c.env, v.Name+"="+local.Replace(v.Value))
	}
	for _, arg := range sidecar.Container.Command[2:] {
		args = append(args, local.Replace(arg))
	}
	return c, args
}

// write creates an executable file in the volume with the sidecar's files.
func (c *container) write(name, text string) {
	c.t.Helper()
	testkit.WriteScript(c.t, filepath.Join(c.files, name), text)
}

// has reports whether a file exists in the scratch volume.
func (c *container) has(name string) bool {
	_, err := os.Stat(filepath.Join(c.scratch, name))
	return !errors.Is(err, fs.ErrNotExist)
}

// start starts a run of the container. Without arguments, run.sh runs mesh.sh.
func (c *container) start(args ...string) {
	c.t.Helper()
	if len(args) == 0 {
		args = []string{filepath.Join(c.files, "mesh.sh")}
	}
	command := slices.Concat(c.shell, []string{filepath.Join(c.files, "run.sh")}, args)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Env = c.scratch, c.env
	c.Process = testkit.StartProcess(c.t, cmd)
}

// eventually waits until condition holds; what names it.
func (c *container) eventually(what string, condition func() bool) {
	c.t.Helper()
	testkit.Eventually(c.t, what, condition)
}

// onlyPrograms replaces PATH by a folder with stand-ins and those of the machine's programs
// that are named.
func (c *container) onlyPrograms(names string, standIns map[string]string) {
	c.t.Helper()
	folder := c.t.TempDir()
	for _, name := range strings.Fields(names) {
		if path, err := exec.LookPath(name); err == nil && standIns[name] == "" {
			if err := os.Symlink(path, filepath.Join(folder, name)); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	for name, text := range standIns {
		if text != "" {
			testkit.WriteScript(c.t, filepath.Join(folder, name), text)
		}
	}
	c.env = append(c.env, "PATH="+folder)
}
