//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/process"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// pluginProcess is the plugin's program, which listens on a unix socket.
type pluginProcess struct {
	address string
	// prefix is that of its remote namespaces, unless its options name another.
	prefix  string
	spec    process.Spec
	process *process.Process
}

var pluginCount atomic.Int32

// startPlugin runs the plugin with the permissions of an account until the end of
// the test. Several plugins share the remote cluster, so each one has an instance and, unless
// env says otherwise, remote namespaces of its own: what is in them depends on its options.
func startPlugin(t *testing.T, a account, env ...string) *pluginProcess {
	t.Helper()
	name := fmt.Sprintf("plugin-%d", pluginCount.Add(1))
	p := &pluginProcess{address: "unix://" + filepath.Join(testEnv.folder, name+".sock"), prefix: "offloading-" + name}
	p.spec = process.Spec{
		Path: filepath.Join(requireEnv(t, "E2E_BIN_DIR"), "interlink-kubernetes-plugin"),
		Env: append([]string{
			"CONFIG_FILE_PATH=" + os.DevNull,
			"APP_SOCKET_ADDRESS=" + p.address, "APP_INSTANCE=" + name, "OFFLOADING_NAMESPACE_PREFIX=" + p.prefix,
			"K8S_KUBECONFIG_PATH=" + a.kubeconfig, "LOG_LEVEL=DEBUG",
		}, env...),
		Log: filepath.Join(testEnv.folder, name+".log"),
	}
	p.start(t)
	t.Cleanup(func() {
		p.process.Stop()
		if t.Failed() {
			t.Log(p.process.Tail())
		}
	})
	return p
}

// start starts the program and waits until it answers.
func (p *pluginProcess) start(t *testing.T) {
	t.Helper()
	var err error
	if p.process, err = process.Start(p.spec); err != nil {
		t.Fatal(err)
	}
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{Plugin: p.address, CallTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer kubelet.Close()
	eventually(t, "the plugin answers", func(ctx context.Context) error {
		return errors.Join(p.process.Ended(), kubelet.CheckPlugin(ctx))
	})
}
