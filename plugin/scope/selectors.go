package scope

import (
	"k8s.io/apimachinery/pkg/labels"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Selector selects all objects that any InterLink plugin offloaded.
func Selector() string { return labels.Set{wire.LabelOffloading: wire.Offloading}.String() }

// PodSelector selects all objects of the local pod with a UID.
func PodSelector(uid string) string {
	return labels.Set{wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: uid}.String()
}

// TunnelSelector selects the tunnels of a local pod.
func TunnelSelector(uid string) string { return labels.Set{wire.LabelTunnelUID: uid}.String() }
