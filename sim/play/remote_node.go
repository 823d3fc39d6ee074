package play

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// remoteNodeName returns the name of the node that remoteSetup.node describes. That of the simulated
// kubelet is another one.
func remoteNodeName(file *scenario.File) string { return "capacity-" + nodeName(file.Name) }

// setUpNode creates the remote node of the scenario.
func (e *environment) setUpNode(ctx context.Context) error {
	allocatable := e.file.RemoteSetup.Node
	if len(allocatable) == 0 {
		return nil
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: remoteNodeName(e.file), Labels: map[string]string{scenario.LabelScenario: e.file.Name}}}
	created, err := e.remote.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create the remote node of the scenario: %w", err)
	}
	e.remoteNode = created
	if len(created.Spec.Taints) > 0 { // a real API server adds not-ready to each new node
		created.Spec.Taints = nil
		if _, err := e.remote.CoreV1().Nodes().Update(ctx, created, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("make the remote node of the scenario usable: %w", err)
		}
	}
	return e.changeNode(ctx, allocatable)
}

// changeNode gives the remote node of the scenario other resources.
func (e *environment) changeNode(ctx context.Context, allocatable map[string]string) error {
	nodes := e.remote.CoreV1().Nodes()
	node, err := nodes.Get(ctx, remoteNodeName(e.file), metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read the remote node of the scenario: %w", err)
	}
	resources := corev1.ResourceList{}
	for name, value := range allocatable {
		resources[corev1.ResourceName(name)] = resource.MustParse(value) // the reader of the scenario has checked it
	}
	node.Status.Capacity, node.Status.Allocatable = resources, resources
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"}}
	if _, err := nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("change the resources of the remote node of the scenario: %w", err)
	}
	return nil
}

// cleanUpNode deletes the remote node of the scenario.
func (e *environment) cleanUpNode(ctx context.Context) error {
	if e.remoteNode == nil {
		return nil
	}
	err := e.remote.CoreV1().Nodes().Delete(ctx, e.remoteNode.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &e.remoteNode.UID}})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("clean up the remote node of the scenario: %w", err)
	}
	return nil
}

// maxNodeWait is how long the virtual node may take to show a change of the remote cluster, in real time:
// docs/capacity.md promises a minute.
const maxNodeWait = time.Minute

// observeVirtualNode sends pings until the virtual node shows what is expected, for a limited time, and
// keeps what it shows then.
func (p *player) observeVirtualNode(ctx context.Context) error {
	expected := p.env.file.Expect.VirtualNode
	if len(expected) == 0 {
		return nil
	}
	index := len(p.seen.VirtualNode)
	timeout := time.After(p.env.options.nodeWait)
	for {
		_, _ = p.env.kubelet.Ping(ctx) // a ping that fails shows nothing new
		shown, right := map[string]string{}, true
		for name, quantities := range expected {
			quantity, known := p.env.kubelet.Node().Resources[corev1.ResourceName(name)]
			if known {
				shown[name] = quantity.String()
			}
			right = right && known && quantity.Cmp(resource.MustParse(quantities[index])) == 0
		}
		if !right {
			select {
			case <-time.After(20 * time.Millisecond):
				continue
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-timeout:
			}
		}
		p.seen.VirtualNode = append(p.seen.VirtualNode, shown)
		p.env.recorder.step(p.env.elapsed(), "the virtual node shows "+cmp.Or(quantitiesText(shown), "none of the resources"))
		return nil
	}
}

// quantitiesText returns resources with their quantities, for people.
func quantitiesText(quantities map[string]string) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(quantities)) {
		texts = append(texts, name+" "+quantities[name])
	}
	return strings.Join(texts, ", ")
}
