package harness

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

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/clusters"
	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/sandbox/airgap"
	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/sandbox/engine"
)

// errTests says that the tests ran and failed: all else went well.
var errTests = errors.New("the end-to-end tests failed")

// Run makes the clusters, runs the tests with some arguments, and takes all away
// again, also when they fail or ctx ends. With keep the clusters stay. What went on
// in the clusters is exported if the tests fail.
func (h *Harness) Run(ctx context.Context, keep bool, args []string) (err error) {
	env, given, err := h.given()
	if err != nil {
		return err
	}
	if !given {
		defer func() {
			// What is taken away must not be cut short by what ended the tests.
			err = errors.Join(err, h.end(context.WithoutCancel(ctx), keep, err != nil && ctx.Err() == nil))
		}()
		if env, err = h.prepare(ctx, keep); err != nil {
			return err
		}
	}
	if err := h.programs(ctx); err != nil {
		return err
	}
	test := filepath.Join(h.Folder, "suite.test")
	build := exec.CommandContext(ctx, "go", "-C", h.Project, "test", "-c", "-tags", "e2e", "-o", test, "./e2e/suite")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	return h.test(ctx, test, append(env, EnvBinDir+"="+filepath.Join(h.Project, "bin")), args)
}

// given are the clusters that the user has named.
func (h *Harness) given() (env []string, given bool, err error) {
	remote, local := os.Getenv(EnvRemote), os.Getenv(EnvLocal)
	if remote == "" && local == "" {
		return nil, false, nil
	}
	for name, path := range map[string]string{EnvRemote: remote, EnvLocal: local} {
		if _, err := os.Stat(path); err != nil {
			return nil, true, fmt.Errorf("%s names no kubeconfig (both clusters are to be named, or none): %w", name, err)
		}
	}
	return nil, true, nil // the tests have our environment
}

func (h *Harness) prepare(ctx context.Context, keep bool) ([]string, error) {
	remote, local, err := h.Up(ctx, keep)
	if err != nil {
		return nil, err
	}
	host, err := hostAddress(ctx)
	if err != nil {
		return nil, err
	}
	kubectl, err := h.kubectl(ctx)
	if err != nil {
		return nil, err
	}
	return []string{
		EnvKubectl + "=" + kubectl,
		EnvRemote + "=" + remote.Kubeconfig, EnvLocal + "=" + local.Kubeconfig,
		EnvRemoteURL + "=" + remote.Internal, EnvHostAddress + "=" + host,
		EnvAuditLog + "=" + clusters.AuditLog(h.Folder), EnvPluginImage + "=" + pluginImage,
		EnvNetwork + "=" + airgap.Network,
	}, nil
}

// hostAddress is this machine's as the clusters' nodes reach it.
func hostAddress(ctx context.Context) (string, error) {
	gateway, err := exec.CommandContext(ctx, "docker", "network", "inspect", "kind", "--format", `{{range .IPAM.Config}}{{.Gateway}} {{end}}`).Output()
	if err != nil {
		return "", fmt.Errorf("the address of this machine in Docker's network: %w", err)
	}
	for address := range strings.FieldsSeq(string(gateway)) {
		if !strings.Contains(address, ":") {
			return address, nil // of IP version 4
		}
	}
	return "", fmt.Errorf("this machine has no IPv4 address in Docker's network kind: %q", gateway)
}

// test runs the tests in a process group of their own, which is asked to end when
// ctx does, and never outlives this call.
func (h *Harness) test(ctx context.Context, program string, env, args []string) error {
	cmd := exec.CommandContext(ctx, program, append([]string{"-test.v", "-test.timeout=45m", "-test.parallel=12"}, args...)...)
	cmd.Dir = filepath.Join(h.Project, "e2e", "suite")
	// What killed tests leave, credentials among it, goes with this folder; it is short, as a socket's path must be.
	temporary, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary) //nolint:errcheck // nothing to do about it
	cmd.Env = append(append(os.Environ(), "TMPDIR="+temporary), env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	if slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, EnvRemote+"=") }) {
		cmd.WaitDelay = 5 * time.Second // the clusters go anyway
	} else {
		cmd.WaitDelay = 5 * time.Minute // what the tests made in clusters that stay must go
	}
	err = cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errTests, err)
	}
	return nil
}

// end exports what a failure needs, and takes everything away unless it is kept.
func (h *Harness) end(ctx context.Context, keep, failed bool) error {
	var errs []error
	if failed {
		folder := filepath.Join(h.Folder, "logs")
		for _, name := range []string{clusters.Remote, clusters.Local} {
			if err := h.provider.Export(ctx, name, filepath.Join(folder, name)); err != nil {
				h.Log("%v", err)
			}
		}
		h.Log("logs and events of the clusters are in %s", folder)
	}
	if keep {
		h.Log("the clusters stay: kubeconfigs are in %s; make e2e-down takes them away", h.Folder)
		if h.ours {
			h.Log("so does the Docker engine at unix://%s/docker.sock", engine.Folder)
		}
		return nil
	}
	return errors.Join(append(errs, h.Down(ctx))...)
}
