package replay

import (
	"slices"
	"testing"

	"k8s.io/client-go/kubernetes/fake"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

// Which scenarios nodes that are not played can play, and why not.
func TestSkippedOnRealNodes(t *testing.T) {
	client := fake.NewClientset()
	var skips []string
	for _, file := range all(t) {
		if why := skipped(file, Options{Client: client}); why != "" {
			skips = append(skips, file.Name+": "+why)
		}
		if why := skipped(file, Options{Client: client, PlayNodes: true}); why != "" {
			t.Errorf("%s, with played nodes: %s", file.Name, why)
		}
	}
	want := []string{
		"eviction-before-start: it needs nodes that are played: a pod is evicted that exceeds no limit",
		"node-lost: it needs nodes that are played: a node is lost",
		"unschedulable-then-scheduled: it needs nodes that are played: a pod waits for its node",
	}
	slices.Sort(skips)
	if !slices.Equal(skips, want) {
		t.Errorf("%q", skips)
	}
}

// A remote pod's deletion is the replay's to do where nobody plays the nodes.
func TestVanishingIsAStepOnRealNodes(t *testing.T) {
	file := all(t, "deleted-behind-the-back")[0]
	s := &stage{file: file}
	if steps := s.steps(); len(steps) != 0 {
		t.Errorf("remote cluster unknown: %+v", steps)
	}
	s.remote = fake.NewClientset()
	if steps := s.steps(); len(steps) != 1 || steps[0].vanish != "vanished" || steps[0].At.Seconds() != 21 {
		t.Errorf("%+v", steps)
	}
	s.nodes = &node.Nodes{}
	if steps := s.steps(); len(steps) != 0 {
		t.Errorf("played nodes do it themselves: %+v", steps)
	}
}
