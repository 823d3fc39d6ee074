package translate

import (
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Tunnel is a Helm release that exposes one TCP port of the remote pod through
// the gateway in the local cluster.
type Tunnel struct {
	// Release is the name of the Helm release.
	Release string
	// Labels are the labels of the Helm release, by which a delete finds it.
	Labels map[string]string
	Port   int32
	// Target is the host that the tunnel forwards to: the pod's Service.
	Target string
}

// tunnels exposes the TCP ports that the pod's containers declare. It returns one
// Service for all ports and one tunnel for each port. The Service is headless: the
// bastions connect to the pod itself.
func (t *translation) tunnels() (*corev1.Service, []Tunnel) {
	ports := map[int32]bool{}
	addPorts := func(containers []corev1.Container) {
		for _, c := range containers {
			for _, port := range c.Ports {
				if port.Protocol == "" || port.Protocol == corev1.ProtocolTCP {
					ports[port.ContainerPort] = true
				}
			}
		}
	}
	addPorts(t.pod.Spec.Containers)
	for _, c := range t.pod.Spec.InitContainers {
		if podstate.IsSidecar(c) { // it runs as long as the pod
			addPorts([]corev1.Container{c})
		}
	}
	if !t.options.Tunnels || len(ports) == 0 {
		return nil, nil
	}
	s := t.options.Scope
	source := metav1.ObjectMeta{Name: t.pod.Name, Namespace: t.pod.Namespace, UID: t.pod.UID}
	service := &corev1.Service{
		ObjectMeta: s.Meta(source, s.ServiceName(t.uid), t.uid),
		Spec: corev1.ServiceSpec{
			ClusterIP: corev1.ClusterIPNone,
			Selector:  map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelPodUID: t.uid},
		},
	}
	var tunnels []Tunnel
	for _, port := range slices.Sorted(maps.Keys(ports)) {
		name := s.ReleaseName(port, t.uid)
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{
			Name: "tcp-" + strconv.Itoa(int(port)), Protocol: corev1.ProtocolTCP, Port: port, TargetPort: intstr.FromInt32(port),
		})
		tunnels = append(tunnels, Tunnel{
			Release: name,
			Labels:  map[string]string{wire.LabelTunnelUID: t.uid, wire.LabelInstance: s.Instance},
			Port:    port,
			Target:  service.Name + "." + service.Namespace + ".svc",
		})
	}
	return service, tunnels
}
