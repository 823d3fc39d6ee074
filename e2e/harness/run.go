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

// errTestsFailed means that the tests ran and failed, and nothing else did.
var errTestsFailed = errors.New("the end-to-end tests failed")

// Run creates the clusters, runs the tests with some arguments, and deletes all that it
// created, also when the tests fail or ctx ends. With keep the clusters are kept. If the
// tests fail, Run exports the logs of the clusters.
func (h *Harness) Run(ctx context.Context, keep bool, args []string) (err error) {
	env, given, err := h.given()
	if err != nil {
		return err
	}
	if !given {
		defer func() {
			// An interrupt that ends the tests must not end the cleanup.
			err = errors.Join(err, h.cleanUp(context.WithoutCancel(ctx), keep, err != nil && ctx.Err() == nil))
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

// given reports whether the user named clusters.
func (h *Harness) given() (env []string, given bool, err error) {
	remote, local := os.Getenv(EnvRemote), os.Getenv(EnvLocal)
	if remote == "" && local == "" {
		return nil, false, nil
	}
	for name, path := range map[string]string{EnvRemote: remote, EnvLocal: local} {
		if _, err := os.Stat(path); err != nil {
			return nil, true, fmt.Errorf("%s names no kubeconfig (set the variables of both clusters, or of none): %w", name, err)
		}
	}
	return nil, true, nil // the tests inherit the environment
}

// prepare creates the clusters and returns the environment variables of the tests.
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

// hostAddress returns the address at which the clusters' nodes reach this machine.
func hostAddress(ctx context.Context) (string, error) {
	gateway, err := exec.CommandContext(ctx, "docker", "network", "inspect", "kind", "--format", `{{range .IPAM.Config}}{{.Gateway}} {{end}}`).Output()
	if err != nil {
		return "", fmt.Errorf("get the address of this machine in Docker's network kind: %w", err)
	}
	for address := range strings.FieldsSeq(string(gateway)) {
		if !strings.Contains(address, ":") {
			return address, nil // IPv4
		}
	}
	return "", fmt.Errorf("this machine has no IPv4 address in Docker's network kind: %q", gateway)
}

// test runs the tests in their own process group. The group receives SIGTERM when ctx
// ends, and none of its processes runs after test returns.
func (h *Harness) test(ctx context.Context, program string, env, args []string) error {
	cmd := exec.CommandContext(ctx, program, append([]string{"-test.v", "-test.timeout=45m", "-test.parallel=12"}, args...)...)
	cmd.Dir = filepath.Join(h.Project, "e2e", "suite")
	// Tests that are killed leave files here, also credentials. The path is short, because the path of a socket must be.
	temporary, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return err
	}
	defer removeAll(temporary)
	cmd.Env = append(append(os.Environ(), "TMPDIR="+temporary), env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	if slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, EnvRemote+"=") }) {
		cmd.WaitDelay = 5 * time.Second // the clusters are deleted
	} else {
		cmd.WaitDelay = 5 * time.Minute // the tests must clean up clusters that are kept
	}
	err = cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errTestsFailed, err)
	}
	return nil
}

// removeAll removes a folder. A process that was killed a moment ago can still create a file in it, so it
// tries again for some seconds.
func removeAll(folder string) {
	for range 50 {
		if os.RemoveAll(folder) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// cleanUp exports logs after a failure, and deletes everything unless it is kept.
func (h *Harness) cleanUp(ctx context.Context, keep, failed bool) error {
	var errs []error
	if failed {
		folder := filepath.Join(h.Folder, "logs")
		for _, name := range []string{clusters.Remote, clusters.Local} {
			if err := h.provider.Export(ctx, name, filepath.Join(folder, name)); err != nil {
				h.Log("%v", err)
			}
		}
		h.Log("the logs and events of the clusters are in %s", folder)
	}
	if keep {
		h.Log("the clusters are kept: their kubeconfigs are in %s; make e2e-down deletes them", h.Folder)
		if h.ownEngine {
			h.Log("the Docker engine is kept at unix://%s/docker.sock", engine.Folder)
		}
		return nil
	}
	return errors.Join(append(errs, h.Down(ctx))...)
}
