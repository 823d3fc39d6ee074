package scenario

import (
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
)

// checkNode checks the remote node and the other pod of the scenario, and what the virtual node shows.
func (r *reader) checkNode() {
	s := &r.file.Scenario
	r.checkResources(s.RemoteSetup.Node, "remoteSetup", "node")
	r.checkResources(s.RemoteSetup.OtherPodRequests, "remoteSetup", "otherPodRequests")
	changes := 0
	if s.RemoteSetup.OtherPodUntil.Duration > 0 {
		changes++
	}
	for i, step := range s.Steps {
		if step.Node == nil {
			continue
		}
		changes++
		path := []string{"steps", strconv.Itoa(i), "node"}
		r.checkResources(step.Node, path...)
		switch {
		case len(s.RemoteSetup.Node) == 0:
			r.invalid(path, "without remoteSetup.node, there is no node to change")
		case len(step.Node) == 0:
			r.invalid(path, "node is empty: name the resources that the node still has")
		case step.At.Duration <= 0:
			r.invalid(path, "the node cannot change while the pods are created: at must be more than 0s")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Expect.VirtualNode)) {
		path := []string{"expect", "virtualNode", name}
		shown := s.Expect.VirtualNode[name]
		switch {
		case len(s.RemoteSetup.Node)+len(s.RemoteSetup.Quota) == 0:
			r.invalid(path, "without node or quota in remoteSetup, nothing says what the virtual node shows")
		case len(shown) != changes+1:
			r.invalid(path, "%s has %d quantities, expected %d: one for remoteSetup, one for each step with node, and one for the end of the other pod", name, len(shown), changes+1)
		}
		for _, text := range shown {
			r.checkQuantity(text, path...)
		}
	}
	if len(s.RemoteSetup.Node) > 0 && len(s.Expect.VirtualNode) == 0 {
		r.invalid([]string{"remoteSetup", "node"}, "without expect.virtualNode, the node changes nothing")
	}
}

// checkResources checks the quantities of a node.
func (r *reader) checkResources(resources map[string]string, path ...string) {
	for _, name := range slices.Sorted(maps.Keys(resources)) {
		r.checkQuantity(resources[name], slices.Concat(path, []string{name})...)
	}
}

func (r *reader) checkQuantity(text string, path ...string) {
	if value, err := resource.ParseQuantity(text); err != nil || value.Sign() < 0 {
		r.invalid(path, "%q is not a valid quantity", text)
	}
}
