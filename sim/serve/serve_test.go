package serve_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/serve"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// A pod that a scenario speaks of does what that says, logs and all; any other
// ends well.
func TestServe(t *testing.T) {
	files, err := scenario.ReadAll("../../fixtures/scenarios/exit-three.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "v")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	cfg := config.Defaults()
	cfg.App.SocketAddress = "unix://" + filepath.Join(folder, "s")
	ctx, stop := context.WithCancel(t.Context())
	listening, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- serve.Run(ctx, serve.Options{
			Config: cfg, Scenarios: files, Speed: 20, Version: "test", Log: slog.New(slog.DiscardHandler),
			Listening: func(a net.Addr) { listening <- a },
		})
	}()
	if address := <-listening; address.String() != filepath.Join(folder, "s") {
		t.Error(address)
	}
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{Plugin: cfg.App.SocketAddress})
	if err != nil {
		t.Fatal(err)
	}
	defer kubelet.Close()
	known := files[0].Pods[0].DeepCopy()
	other := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "main", Image: "busybox"}}}}
	other.Name = "other"
	for _, pod := range []*corev1.Pod{known, other} {
		if err := kubelet.Create(ctx, pod); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]corev1.PodPhase{known.Name: corev1.PodFailed, "other": corev1.PodSucceeded}
	got := map[string]corev1.PodPhase{}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline) && !cmp.Equal(want, got); time.Sleep(20 * time.Millisecond) {
		if err := kubelet.Poll(ctx); err != nil {
			t.Fatal(err)
		}
		for name := range want {
			got[name] = kubelet.Status(name).Phase
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	log, err := kubelet.Logs(ctx, known.Name, known.Spec.Containers[0].Name, wire.LogOpts{})
	if err != nil {
		t.Fatal(err)
	}
	lines := files[0].Nodes[known.Name].Containers[known.Spec.Containers[0].Name].Output
	if text, err := io.ReadAll(log); err != nil || string(text) != strings.Join(append(lines, ""), "\n") {
		t.Errorf("%q, %v, want %q", text, err, lines)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	file, err := scenario.Read("../../fixtures/scenarios/exit-three.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]serve.Options{
		"backwards":        {Speed: -1},
		"two say the same": {Scenarios: []*scenario.File{file, file}},
	} {
		o.Config, o.Log = config.Defaults(), slog.New(slog.DiscardHandler)
		if err := serve.Run(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
