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

// stage is what all tests share.
var stage struct {
	ctx    context.Context // ends with an interrupt
	began  time.Time
	folder string // for kubeconfigs, sockets and logs
	scoped account
	all    account
	remote *remoteCluster
	// When the API server was restarted.
	restartBegan, restartEnded time.Time
}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	stage.ctx, stage.began = ctx, time.Now()
	folder, err := os.MkdirTemp("", "e2e") // a socket's path is short
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	stage.folder = folder
	defer func() {
		if err := os.RemoveAll(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	if stage.remote, err = openRemote(); err == nil {
		defer func() {
			if err := stage.remote.restore(context.WithoutCancel(ctx)); err != nil {
				fmt.Fprintln(os.Stderr, "after the tests:", err)
				code = 1
			}
		}()
		err = grant(ctx)
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

// grant makes the accounts of both forms of rights, which are all that the plugin
// has in any test.
func grant(ctx context.Context) (err error) {
	if stage.all, err = stage.remote.account(ctx, "rbac-cluster-wide.yaml", "interlink-plugin"); err != nil {
		return err
	}
	if err := stage.remote.apply(ctx, "rbac-tcp-tunnel.yaml"); err != nil {
		return err
	}
	if err := stage.remote.makeNamespace(ctx, "offloading"); err != nil {
		return err
	}
	if stage.scoped, err = stage.remote.account(ctx, "rbac-single-namespace.yaml", "offloading"); err != nil {
		return err
	}
	return os.Setenv("E2E_PLUGIN_KUBECONFIG", stage.all.kubeconfig)
}

// keepLogs copies the programs' logs to where those of the clusters go.
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
			err = os.WriteFile(filepath.Join(to, filepath.Base(path)), text, 0o600) // InterLink's may hold what pods have
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "a log that is lost:", err)
		}
	}
}
