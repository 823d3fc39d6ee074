package translate

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Pods of a job find each other by names: <hostname>.<subdomain>, which needs a headless
// Service with the name of the subdomain, or the name of a Service that the user of the pod
// writes into [wire.AnnotationService]. Local Services stay in the local cluster, so the pods
// get remote ones, which are shared: every pod that uses a name is an owner of its Service.
// https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/

// sharedServices returns the Services of the names that the pod uses, and labels the remote
// pod so that they select it. It reports a name that cannot be.
func (t *translation) sharedServices() []*corev1.Service {
	names := map[string][]int32{}
	var order []string
	if name := t.pod.Spec.Subdomain; name != "" {
		switch {
		case t.options.Scope.Namespace != "":
			t.warn(WarnNames, "names below subdomain %s are not known in the remote cluster: its Service could be that of another local namespace, since all share one remote namespace", name)
		case len(validation.IsDNS1035Label(name)) > 0:
			t.warn(WarnNames, "names below subdomain %s are not known in the remote cluster: no Service can have the name of the subdomain", name)
		default:
			names[name], order = nil, append(order, name)
		}
	}
	if name, ports, ok := t.annotatedService(); ok {
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
		names[name] = ports
	}
	var services []*corev1.Service
	for _, name := range order {
		services = append(services, t.sharedService(name, names[name]))
	}
	return services
}

// annotatedService returns the name and the ports in [wire.AnnotationService].
func (t *translation) annotatedService() (name string, ports []int32, ok bool) {
	text, ok := t.pod.Annotations[wire.AnnotationService]
	if !ok {
		return "", nil, false
	}
	if t.options.Scope.Namespace != "" {
		t.refuse(RefusedNames, "annotation %s: the plugin creates no Service, since all local namespaces share one remote namespace, and names could be those of others", wire.AnnotationService)
		return "", nil, false
	}
	name, list, hasPorts := strings.Cut(strings.TrimSpace(text), ":")
	if len(validation.IsDNS1035Label(name)) > 0 {
		t.addProblem("annotation %s: %q is not the name of a Service (expected NAME or NAME:PORT,PORT...)", wire.AnnotationService, name)
		return "", nil, false
	}
	if !hasPorts {
		return name, nil, true
	}
	for item := range strings.SplitSeq(list, ",") {
		port, err := strconv.ParseInt(strings.TrimSpace(item), 10, 32)
		if err != nil || len(validation.IsValidPortNum(int(port))) > 0 {
			t.addProblem("annotation %s: %q is not a port between 1 and 65535 (expected NAME or NAME:PORT,PORT...)", wire.AnnotationService, item)
			return "", nil, false
		}
		if !slices.Contains(ports, int32(port)) {
			ports = append(ports, int32(port))
		}
	}
	if len(ports) > maxServicePorts {
		t.addProblem("annotation %s: %d ports are more than %d", wire.AnnotationService, len(ports), maxServicePorts)
		return "", nil, false
	}
	return name, ports, true
}

// maxServicePorts is the number of ports that all objects of a Service can have:
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
const maxServicePorts = 100

// sharedService returns the Service of a name. It is headless, and also knows pods that are not
// ready: pods of a job look for each other while they start.
func (t *translation) sharedService(name string, ports []int32) *corev1.Service {
	s := t.options.Scope
	service := &corev1.Service{
		ObjectMeta: s.Meta(metav1.ObjectMeta{Name: name, Namespace: t.pod.Namespace}, name, ""),
		Spec: corev1.ServiceSpec{
			ClusterIP:                corev1.ClusterIPNone,
			PublishNotReadyAddresses: true,
			Selector:                 map[string]string{wire.LabelInstance: s.Instance, wire.LabelServicePrefix + name: "true"},
		},
	}
	for _, port := range ports {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{
			Name: "tcp-" + strconv.Itoa(int(port)), Protocol: corev1.ProtocolTCP, Port: port, TargetPort: intstr.FromInt32(port),
		})
	}
	return service
}

// IsShared reports whether several pods may own a Service: that of a name which they use.
func IsShared(service *corev1.Service) bool { return service.Labels[wire.LabelPodUID] == "" }

// CanShare returns why a pod must not use a Service that exists, or "": the plugin made it for
// the same local namespace, with the same selector.
func CanShare(existing, wanted *corev1.Service) (why string) {
	selects := func(key string) bool { return existing.Spec.Selector[key] == wanted.Spec.Selector[key] }
	switch {
	case existing.Labels[wire.LabelOffloading] != wire.Offloading || existing.Labels[wire.LabelInstance] != wanted.Labels[wire.LabelInstance]:
		return "this installation of the plugin did not create it"
	case existing.Annotations[wire.AnnotationSourceNamespace] != wanted.Annotations[wire.AnnotationSourceNamespace]:
		return "it is that of another local namespace"
	case len(existing.Spec.Selector) != len(wanted.Spec.Selector) || !selects(wire.LabelInstance) || !selects(wire.LabelServicePrefix+wanted.Name):
		return "it selects other pods"
	}
	return ""
}
