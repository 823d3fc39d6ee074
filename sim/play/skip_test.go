package play

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes/fake"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Real nodes cannot play all scenarios; simulated nodes can.
func TestScenariosSkippedOnRealNodes(t *testing.T) {
	client := fake.NewClientset()
	var skips []string
	for _, file := range scenarios(t) {
		if reason := skipReason(file, Options{Client: client}); reason != "" {
			skips = append(skips, file.Name+": "+reason)
		}
		if reason := skipReason(file, Options{Client: client, PlayNodes: true}); reason != "" {
			t.Errorf("%s is skipped with simulated nodes: %s", file.Name, reason)
		}
	}
	want := []string{
		"capacity-gpu-removed: it creates a node, and needs simulated nodes and the simulator's own plugin",
		"capacity-other-pods: it creates a node, and needs simulated nodes and the simulator's own plugin",
		"capacity-quota: it sets a quota, and needs simulated nodes and the simulator's own plugin",
		"capacity-reserve: it creates a node, and needs simulated nodes and the simulator's own plugin",
		"disrupted-evicted: it needs simulated nodes: a pod without a storage limit is evicted",
		"engine-argo-initless-succeeds: it needs simulated nodes: a pod mounts an image, and the remote cluster cannot, or is not known",
		"eviction-before-start: it needs simulated nodes: a pod without a storage limit is evicted",
		"namespace-template: it sets a namespace template, and needs simulated nodes and the simulator's own plugin",
		"node-lost: it needs simulated nodes: a node is lost",
		"quota-deleted: it sets a quota, and needs simulated nodes and the simulator's own plugin",
		"quota-never-fits: it sets a quota, and needs simulated nodes and the simulator's own plugin",
		"quota-waits: it sets a quota, and needs simulated nodes and the simulator's own plugin",
		"unschedulable-then-scheduled: it needs simulated nodes: a pod waits for its node",
		"volume-image: it needs simulated nodes: a pod mounts an image, and the remote cluster cannot, or is not known",
	}
	slices.Sort(skips)
	if !slices.Equal(skips, want) {
		t.Errorf("%q", skips)
	}
}

// Without its kubeconfig, the remote cluster cannot be prepared.
func TestRuntimeClassesNeedARemoteCluster(t *testing.T) {
	file := &scenario.File{Scenario: scenario.Scenario{RemoteSetup: scenario.RemoteSetup{RuntimeClasses: []string{"nvidia"}}}}
	const reason = "it needs runtime classes in the remote cluster, and the options name no remote cluster"
	if got := skipReason(file, Options{Plugin: "http://127.0.0.1:1"}); got != reason {
		t.Errorf("%q, want %q", got, reason)
	}
	if got := skipReason(file, Options{Plugin: "http://127.0.0.1:1", Client: fake.NewClientset()}); got == reason {
		t.Errorf("with a client: %q", got)
	}
}

// On real nodes the deletion of a remote pod is a step; simulated nodes delete it
// themselves.
func TestRemoteDeletionIsAStepOnRealNodes(t *testing.T) {
	file := scenarios(t, "remote-pod-deleted")[0]
	env := &environment{file: file}
	if steps := timedSteps(env); len(steps) != 0 {
		t.Errorf("steps without a remote cluster: %+v", steps)
	}
	env.remote = fake.NewClientset()
	if steps := timedSteps(env); len(steps) != 1 || steps[0].deleteRemotePod != "app" || steps[0].At.Seconds() != 21 {
		t.Errorf("steps on real nodes: %+v", steps)
	}
	env.nodes = &node.Nodes{}
	if steps := timedSteps(env); len(steps) != 0 {
		t.Errorf("steps on simulated nodes: %+v", steps)
	}
}

// A capability of another plugin does not need the options that this plugin needs for it.
func TestOptionsOfCapabilities(t *testing.T) {
	file := scenarios(t, "tunnel-client")[0]
	file.Level, file.Capabilities = scenario.LevelOptional, []scenario.Capability{scenario.CapabilityTunnel}
	const address = "http://127.0.0.1:1"
	if reason := skipReason(file, Options{Plugin: address, Levels: []scenario.Level{scenario.LevelOptional}, Profile: &profile.Profile{Spec: profile.Spec{Capabilities: []string{"tunnel"}}}}); reason != "" {
		t.Errorf("a plugin with a tunnel: %s", reason)
	}
	if reason := skipReason(file, Options{Plugin: address}); !strings.Contains(reason, "it sets options of this plugin") {
		t.Errorf("everything is expected of the plugin: %q", reason)
	}
}
