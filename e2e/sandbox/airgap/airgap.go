package airgap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/sandbox/engine"
)

// Builder builds node images.
type Builder struct {
	Project string // the checkout's folder
	Cache   string // a folder for what takes minutes to build and can be used again
	Log     func(format string, args ...any)
}

// Image returns the name of the node image in the engine. It builds the image if the
// files that it is built from have changed: about ten minutes the first time.
func (b Builder) Image(ctx context.Context) (string, error) {
	kind, err := output(exec.CommandContext(ctx, "go", "-C", b.Project, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kind"))
	if err != nil {
		return "", err
	}
	r, err := readRecipe(b.Project, kind)
	if err != nil {
		return "", err
	}
	unlock, err := b.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if run(ctx, "docker", "image", "inspect", r.image()) == nil {
		return r.image(), nil
	}
	b.Log("building a node image of Kubernetes %s from Debian packages and Go modules", r.kubernetes)
	if err := b.installDebootstrap(ctx); err != nil {
		return "", fmt.Errorf("%w, or name an image with KIND_NODE_IMAGE", err)
	}
	for _, step := range []func(context.Context, recipe) error{b.buildPrograms, b.nodeRoot, b.buildImages, b.buildNode, b.removeOld} {
		if err := step(ctx, r); err != nil {
			return "", fmt.Errorf("build the node image of Kubernetes %s: %w", r.kubernetes, err)
		}
	}
	return r.image(), nil
}

// installDebootstrap installs the program that creates Debian file systems.
func (b Builder) installDebootstrap(ctx context.Context) error {
	if os.Getuid() != 0 {
		return errors.New("only root can create the Debian file system of an image: run as root")
	}
	return engine.Install(ctx, b.Log, map[string]string{"debootstrap": "debootstrap"})
}

const lockFile = "lock"

// lock makes sure that only one process builds at a time.
func (b Builder) lock() (unlock func(), err error) {
	if err := os.MkdirAll(b.Cache, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(b.Cache, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { _ = file.Close() }, nil // this releases the lock
}

// removeOld deletes older node images, their parts, and what killed runs left in the
// cache.
func (b Builder) removeOld(ctx context.Context, r recipe) error {
	for _, repository := range []string{Repository, debianRepository} {
		names, err := output(exec.CommandContext(ctx, "docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository))
		if err != nil {
			return err
		}
		for _, name := range strings.Fields(names) {
			if name != r.image() {
				_ = run(ctx, "docker", "image", "rm", name) // fails if a cluster uses the image
			}
		}
	}
	entries, err := os.ReadDir(b.Cache)
	if err != nil {
		return err
	}
	keep := []string{lockFile, filepath.Base(b.programsFolder(r)), filepath.Base(b.nodeRootFolder()), filepath.Base(b.rootFolder(networkPackages))}
	for _, entry := range entries {
		if slices.Contains(keep, entry.Name()) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(b.Cache, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// run runs a command. Its error contains the output.
func run(ctx context.Context, name string, args ...string) error {
	_, err := output(exec.CommandContext(ctx, name, args...))
	return err
}

// output runs a command and returns its standard output. Its error contains all output.
func output(cmd *exec.Cmd) (string, error) {
	// After SIGTERM debootstrap unmounts what it mounted.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if cmd.Cancel != nil {
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
		cmd.WaitDelay = 20 * time.Second
	}
	var stderr strings.Builder
	if cmd.Stderr == nil {
		cmd.Stderr = &stderr
	}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", cmd, err, out, &stderr)
	}
	return strings.TrimSpace(string(out)), nil
}
