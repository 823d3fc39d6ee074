package serve_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/serve"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// A pod with a scenario has the status and the log of that scenario. Any other pod
// succeeds.
func TestPodsDoWhatTheirScenariosSay(t *testing.T) {
	files, err := scenario.ReadAll("../../fixtures/scenarios/exit-code.yaml")
	if err != nil {
		t.Fatal(err)
	}
	socket := testkit.SocketPath(t)
	cfg := config.Defaults()
	cfg.App.SocketAddress = "unix://" + socket
	ctx, stop := context.WithCancel(t.Context())
	listening, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- serve.Run(ctx, serve.Options{
			Config: cfg, Scenarios: files, Speed: 20, Version: "test", Log: slog.New(slog.DiscardHandler),
			Listening: func(a net.Addr) { listening <- a },
		})
	}()
	if address := testkit.Receive(t, "the plugin listens", listening); address.String() != socket {
		t.Errorf("the plugin listens on %s, want %s", address, socket)
	}
	kubelet, err := virtualkubelet.New(virtualkubelet.Config{Plugin: cfg.App.SocketAddress})
	if err != nil {
		t.Fatal(err)
	}
	defer kubelet.Close()
	withScenario := files[0].Pods[0].DeepCopy()
	withoutScenario := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "main", Image: "busybox"}}}}
	withoutScenario.Name = "without-scenario"
	for _, pod := range []*corev1.Pod{withScenario, withoutScenario} {
		if err := kubelet.Create(ctx, pod); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]corev1.PodPhase{withScenario.Name: corev1.PodFailed, "without-scenario": corev1.PodSucceeded}
	testkit.EventuallyNoError(ctx, t, testkit.Timeout, "both pods end", func(ctx context.Context) error {
		if err := kubelet.Poll(ctx); err != nil {
			t.Fatal(err)
		}
		got := map[string]corev1.PodPhase{}
		for name := range want {
			got[name] = kubelet.Status(name).Phase
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
	log, err := kubelet.Logs(ctx, withScenario.Name, withScenario.Spec.Containers[0].Name, wire.LogOpts{})
	if err != nil {
		t.Fatal(err)
	}
	lines := files[0].Nodes[withScenario.Name].Containers[withScenario.Spec.Containers[0].Name].Output
	if text, err := io.ReadAll(log); err != nil || string(text) != strings.Join(append(lines, ""), "\n") {
		t.Errorf("the log is %q, error %v; want the lines %q", text, err, lines)
	}
	stop()
	if err := testkit.Receive(t, "Run returns", ended); err != nil {
		t.Errorf("Run returns %v", err)
	}
}

func TestInvalidOptions(t *testing.T) {
	file, err := scenario.Read("../../fixtures/scenarios/exit-code.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]serve.Options{
		"negative speed": {Speed: -1, Scenarios: []*scenario.File{file}},
	} {
		o.Config, o.Log = config.Defaults(), slog.New(slog.DiscardHandler)
		if err := serve.Run(t.Context(), o); err == nil {
			t.Errorf("%s: Run returns no error", name)
		}
	}
}
