//go:build e2e

package suite

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// testEnv is what all tests share.
var testEnv struct {
	ctx     context.Context // canceled by an interrupt
	started time.Time
	folder  string // for kubeconfigs, sockets and logs
	remote  *remoteCluster
	// The plugin's accounts, which have no other permissions than those of
	// manifests/rbac-*.yaml.
	clusterWide, singleNamespace account
	// The API server of the remote cluster was restarted between these times.
	restartStarted, restartEnded time.Time
}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	testEnv.ctx, testEnv.started = ctx, time.Now()
	folder, err := os.MkdirTemp("", "e2e") // short, because the path of a socket must be short
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	testEnv.folder = folder
	defer func() {
		if err := os.RemoveAll(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	if testEnv.remote, err = openRemote(ctx); err == nil {
		defer func() {
			if err := testEnv.remote.restore(context.WithoutCancel(ctx)); err != nil {
				fmt.Fprintln(os.Stderr, "after the tests:", err)
				code = 1
			}
		}()
		err = prepareRemote(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "before the tests:", err)
		return 1
	}
	code = m.Run()
	if code != 0 {
		keepLogs(folder)
	}
	return code
}

// prepareRemote creates the plugin's accounts, and the namespaces that several tests
// share.
func prepareRemote(ctx context.Context) (err error) {
	remote := testEnv.remote
	if testEnv.clusterWide, err = remote.createAccount(ctx, "rbac-cluster-wide.yaml", "interlink-plugin"); err != nil {
		return err
	}
	for _, file := range []string{"rbac-tcp-tunnel.yaml", "rbac-namespace-template.yaml", "rbac-capacity.yaml"} {
		if err := remote.applyFile(ctx, file); err != nil {
			return err
		}
	}
	for _, name := range []string{"offloading", ingressNamespace} {
		if err := remote.createNamespace(ctx, name); err != nil {
			return err
		}
	}
	testEnv.singleNamespace, err = remote.createAccount(ctx, "rbac-single-namespace.yaml", "offloading")
	return err
}

// keepLogs copies the logs of the programs to the folder with those of the clusters.
func keepLogs(folder string) {
	to := filepath.Join(os.Getenv("E2E_BIN_DIR"), "e2e", "logs", "programs")
	logs, _ := filepath.Glob(filepath.Join(folder, "*.log"))
	chain, _ := filepath.Glob(filepath.Join(folder, "chain-*", "*.log"))
	logs = append(logs, chain...)
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err == nil {
			err = os.MkdirAll(to, 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(path)), text, 0o600) // logs of InterLink may hold what pods hold
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "cannot keep a log:", err)
		}
	}
}
