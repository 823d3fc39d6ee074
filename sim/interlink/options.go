package interlink

import (
	"cmp"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Options describe the local cluster. The zero value works.
type Options struct {
	scenario.VirtualKubelet
	// Node is the name of the virtual node; the default is "vnode".
	Node string
	// PodIP is the address that the virtual kubelet reports for every pod; the
	// default is 127.0.0.1. With a mesh or tunnel it is the shadow pod's.
	PodIP string
	// Clock returns the time; the default is time.Now.
	Clock func() time.Time
}

func (o Options) node() string { return cmp.Or(o.Node, "vnode") }

func (o Options) podIP() string { return cmp.Or(o.PodIP, "127.0.0.1") }

// Now returns the time in whole seconds, as the API stores it.
func (o Options) Now() metav1.Time {
	if o.Clock == nil {
		return metav1.Now().Rfc3339Copy()
	}
	return metav1.NewTime(o.Clock()).Rfc3339Copy()
}
