package play

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// scenarios returns all scenarios, also those of the workload engines, or those with these
// names.
func scenarios(t testing.TB, names ...string) []*scenario.File {
	t.Helper()
	engines, err := filepath.Glob("../../fixtures/engines/*/scenario-*.yaml")
	if err != nil || len(engines) == 0 {
		t.Fatalf("%d scenarios of engines, error %v", len(engines), err)
	}
	files, err := scenario.ReadAll(append(engines, "../../fixtures/scenarios")...)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) > 0 {
		files = slices.DeleteFunc(files, func(f *scenario.File) bool { return !slices.Contains(names, f.Name) })
		if len(files) != len(names) {
			t.Fatalf("found %d scenarios of %v", len(files), names)
		}
	}
	return files
}

// realClient returns a client of a real API server with a garbage collector and without
// nodes. It does not limit its own rate of requests.
func realClient(t testing.TB) kubernetes.Interface {
	t.Helper()
	config := rest.CopyConfig(apiserver.ForTestWithControllers(t).Config)
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Every scenario passes, in memory and on a real API server.
func TestScenarios(t *testing.T) {
	files, count := scenarios(t), 0
	run := func(t *testing.T, options Options) {
		result, err := Run(t.Context(), files, options)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range result.Scenarios {
			if s.Verdict != report.Passed {
				t.Errorf("%s %s: %q", s.Name, s.Verdict, s.Texts())
			}
			if len(s.Pods) == 0 || len(s.Pods[0].Local) == 0 {
				t.Errorf("%s has no timeline", s.Name)
			}
		}
		if result.Count(report.Passed) != len(files) {
			t.Errorf("%d of %d scenarios passed", result.Count(report.Passed), len(files))
		}
	}
	t.Run("memory", func(t *testing.T) { run(t, Options{}) })
	if testkit.Race { // most of the time goes into the API server, which the detector does not watch
		files = slices.DeleteFunc(files, func(*scenario.File) bool { count++; return count%4 != 0 })
	}
	t.Run("real", func(t *testing.T) { run(t, Options{Client: realClient(t), PlayNodes: true, Parallel: 4}) })
}

// A replay leaves nothing in a real cluster, not even what a scenario leaves on
// purpose, and it does not count claims that existed before.
func TestCleanUp(t *testing.T) {
	client := realClient(t)
	files := scenarios(t, "claim-retained", "claim-existing", "delete-lost", "engine-gpu-runtime-class")
	for range 2 { // objects that the first run leaves make the second one fail
		result, err := Run(t.Context(), files, Options{Client: client, PlayNodes: true, Environ: []string{"OFFLOADING_NAMESPACE_PREFIX=cleanup"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range result.Scenarios {
			if s.Verdict != report.Passed {
				t.Errorf("%s %s: %q", s.Name, s.Verdict, s.Texts())
			}
		}
	}
	claims, err := client.CoreV1().PersistentVolumeClaims("cleanup-default").List(t.Context(), allObjects)
	if err != nil || len(claims.Items) > 0 {
		t.Errorf("error %v, %d claims are left", err, len(claims.Items))
	}
	classes, err := client.NodeV1().RuntimeClasses().List(t.Context(), allObjects)
	if err != nil || len(classes.Items) > 0 {
		t.Errorf("error %v, %d runtime classes are left", err, len(classes.Items))
	}
	nodes, err := client.CoreV1().Nodes().List(t.Context(), allObjects)
	if err != nil || len(nodes.Items) > 0 {
		t.Errorf("error %v, %d nodes are left", err, len(nodes.Items))
	}
}

// startOutside starts this plugin on a client, outside of the replay, and returns it
// with its address.
func startOutside(t *testing.T, client kubernetes.Interface) (p *plugin.Plugin, address string) {
	t.Helper()
	cfg := config.Defaults()
	cfg.App.SocketAddress = "unix://" + testkit.SocketPath(t)
	p, err := plugin.New(cfg, client, nil, "test", discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p, cfg.App.SocketAddress
}

// A plugin with an address has its own timers: simulated nodes pause for it in real
// time. The nodes also wait until the plugin has observed what they did, so that no
// verdict depends on the load of the machine.
func TestPluginWithAddress(t *testing.T) {
	client := realClient(t)
	files := scenarios(t, "plain-pod", "exit-code", "volume-configmap", "claim-deleted", "volume-hostpath-refused")
	p, address := startOutside(t, client)
	result, err := Run(t.Context(), files, Options{Plugin: address, Client: client, PlayNodes: true, Speed: 8, Parallel: 5, processed: p.HasProcessed})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Scenarios {
		want := report.Passed
		if s.Name == "volume-hostpath-refused" {
			want = report.Skipped // it needs other options of the plugin
		}
		if s.Verdict != want {
			t.Errorf("%s %s %s: %q", s.Name, s.Verdict, s.Skipped, s.Texts())
		}
	}
}

// quickScenario is a scenario whose pod does what nodes without a scenario do; its exit
// code may be wrong.
const quickScenario = `apiVersion: sim.interlink.io/v1alpha1
kind: Scenario
metadata: {name: ends-with-%[1]d}
spec:
  description: A pod ends before it is first asked for.
  expect:
    remote: {Pod: 7}
    pods: {quick: {phases: [Pending, Succeeded], containers: {main: {exitCode: %[1]d}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: quick}
spec:
  restartPolicy: Never
  containers: [{name: main, image: "busybox:1.37", command: ["true"]}]
`

// Without a remote cluster only the local cluster is judged, and scenarios that need
// simulated nodes are skipped.
func TestUnknownRemoteCluster(t *testing.T) {
	_, address := startOutside(t, clusterWithNodes(t))
	files := scenarios(t, "eviction-before-start", "node-lost", "remote-pod-deleted", "unschedulable-then-scheduled", "claim-existing")
	for _, code := range []int{0, 1} {
		file, err := scenario.Parse("quick.yaml", fmt.Appendf(nil, quickScenario, code))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	result, err := Run(t.Context(), files, Options{Plugin: address})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"eviction-before-start":        "skipped: it needs simulated nodes: a pod without a storage limit is evicted",
		"node-lost":                    "skipped: it needs simulated nodes: a node is lost",
		"remote-pod-deleted":           "skipped: it deletes a remote pod, and the options name no remote cluster",
		"unschedulable-then-scheduled": "skipped: it needs simulated nodes: a pod waits for its node",
		"claim-existing":               "skipped: it needs claims in the remote cluster, and the options name no remote cluster",
		"ends-with-0":                  "not judged: ", "ends-with-1": "failed: STATUS-18: container main of pod quick has exit code 0, expected 1",
	}
	got := map[string]string{}
	for _, s := range result.Scenarios {
		got[s.Name] = string(s.Verdict) + ": " + s.Skipped + strings.Join(s.Texts(), "; ")
		if s.Verdict != report.Skipped && !strings.Contains(strings.Join(s.Notes, ""), "not observed") {
			t.Errorf("%s: notes %q", s.Name, s.Notes)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestContradictingOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"simulated nodes without a cluster": {PlayNodes: true},
		"speed without a plugin":            {Speed: 2},
		"negative speed":                    {Speed: -1},
		"negative parallel":                 {Parallel: -1},
		"not an address":                    {Plugin: "ftp://x"},
	} {
		if _, err := Run(t.Context(), scenarios(t, "plain-pod"), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Run(ctx, scenarios(t, "plain-pod"), Options{}); err == nil {
		t.Error("canceled context: no error")
	}
}
