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

// Builder makes node images.
type Builder struct {
	Project string // the checkout's folder
	Cache   string // a folder for what takes minutes and can be used again
	Log     func(format string, args ...any)
}

// Image returns the name of the node image in the engine, which it makes if what
// it is made from has changed: some ten minutes at first, seconds from then on.
func (b Builder) Image(ctx context.Context) (string, error) {
	kind, err := output(exec.CommandContext(ctx, "go", "-C", b.Project, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kind"))
	if err != nil {
		return "", err
	}
	r, err := read(b.Project, kind)
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
	if err := b.canMakeDebian(ctx); err != nil {
		return "", fmt.Errorf("%w, or name an image with KIND_NODE_IMAGE", err)
	}
	for _, step := range []func(context.Context, recipe) error{b.programs, b.nodeRoot, b.images, b.node, b.forget} {
		if err := step(ctx, r); err != nil {
			return "", fmt.Errorf("node image of Kubernetes %s: %w", r.kubernetes, err)
		}
	}
	return r.image(), nil
}

// canMakeDebian installs what that takes.
func (b Builder) canMakeDebian(ctx context.Context) error {
	if os.Getuid() != 0 {
		return errors.New("only root can make a Debian for an image: run as root")
	}
	return engine.Install(ctx, b.Log, map[string]string{"debootstrap": "debootstrap"})
}

const lockFile = "lock"

// lock lets one process at a time build.
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
	return func() { _ = file.Close() }, nil // which ends the lock
}

// forget removes older node images, what they were made of, and what killed runs
// have left in the cache.
func (b Builder) forget(ctx context.Context, r recipe) error {
	for _, repository := range []string{Repository, debianRepository} {
		names, err := output(exec.CommandContext(ctx, "docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository))
		if err != nil {
			return err
		}
		for _, name := range strings.Fields(names) {
			if name != r.image() {
				_ = run(ctx, "docker", "image", "rm", name) // a cluster may run it
			}
		}
	}
	entries, err := os.ReadDir(b.Cache)
	if err != nil {
		return err
	}
	keep := []string{lockFile, filepath.Base(b.bin(r)), filepath.Base(b.debian()), filepath.Base(b.root(networkPackages))}
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

// run runs a command that prints only what went wrong.
func run(ctx context.Context, name string, args ...string) error {
	_, err := output(exec.CommandContext(ctx, name, args...))
	return err
}

// output runs a command; its error holds what the command said.
func output(cmd *exec.Cmd) (string, error) {
	// debootstrap takes its mounts away when it is asked to end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if cmd.Cancel != nil {
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
		cmd.WaitDelay = 20 * time.Second
	}
	var complaint strings.Builder
	if cmd.Stderr == nil {
		cmd.Stderr = &complaint
	}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", cmd, err, out, &complaint)
	}
	return strings.TrimSpace(string(out)), nil
}
