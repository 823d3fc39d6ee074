package virtualkubelet

import (
	"encoding/json"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Node is what the local cluster shows of the virtual node.
type Node struct {
	Ready bool
	// Resources are capacity and allocatable, which are the same.
	Resources corev1.ResourceList
	// Ignored says which values of the last ping were ignored, as the log of the virtual kubelet does
	// (docs/contract.md, PING-7).
	Ignored []string
}

// defaultResources is what a virtual node has without a configuration of its own.
func defaultResources() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("100"), corev1.ResourceMemory: resource.MustParse("3000G"), corev1.ResourcePods: resource.MustParse("10000"),
	}
}

// Node returns what the local cluster shows of the virtual node after the last ping.
func (k *Kubelet) Node() Node {
	k.mu.Lock()
	defer k.mu.Unlock()
	shown := k.node
	shown.Resources = maps.Clone(shown.Resources)
	return shown
}

// show shows the answer to a ping: a value stays until another one is said (PING-5). Taints are not
// applied (PING-6).
func (k *Kubelet) show(answer []byte, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.node.Ready = err == nil
	if err != nil {
		return
	}
	k.node.Ignored = nil
	var said wire.PingResponse
	if json.Unmarshal(answer, &said) != nil || said.Resources == nil {
		return // a text, or a list
	}
	set := func(name corev1.ResourceName, text string, whole bool) {
		quantity, err := resource.ParseQuantity(text)
		_, isWhole := quantity.AsInt64()
		switch {
		case name == "":
			k.node.Ignored = append(k.node.Ignored, "an accelerator without a type")
		case err != nil:
			k.node.Ignored = append(k.node.Ignored, fmt.Sprintf("%s %q is not a quantity", name, text))
		case whole && (quantity.Sign() < 0 || !isWhole):
			k.node.Ignored = append(k.node.Ignored, fmt.Sprintf("%s %q is not a whole number", name, text))
		default:
			k.node.Resources[name] = quantity
		}
	}
	for name, text := range map[corev1.ResourceName]string{corev1.ResourceCPU: said.Resources.CPU, corev1.ResourceMemory: said.Resources.Memory} {
		if text != "" {
			set(name, text, false)
		}
	}
	if said.Resources.Pods != "" {
		set(corev1.ResourcePods, said.Resources.Pods, true)
	}
	for _, accelerator := range said.Resources.Accelerators {
		set(corev1.ResourceName(accelerator.ResourceType), accelerator.Available, true)
	}
}
