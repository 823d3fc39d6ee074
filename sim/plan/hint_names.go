package plan

import (
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

// callers are variables in which engines tell a pod whom to call.
var callers = []struct{ variable, text string }{
	{"SPARK_DRIVER_URL", "a Spark executor calls its driver by the name of a local Service: offload the driver too, in client mode, with a hostname and subdomain that spark.driver.host names, or use a mesh"},
	{"FQ_RAY_IP", "a worker calls its head by the name of a local Service: offload the head too, and give it annotation interlink.io/service, or use a mesh"},
	{"DASK_SCHEDULER_ADDRESS", "a worker calls its scheduler by the name of a local Service: offload the scheduler too, with a hostname and subdomain that DASK_SCHEDULER_ADDRESS names, or use a mesh"},
	{"MASTER_ADDR", "a worker calls its master by the name of a local Service: offload the master too, and give it annotation interlink.io/service with the name in MASTER_ADDR, or use a mesh"},
}

// hintNames tells which names do not resolve in the remote cluster. A name does if a pod of
// the inputs has it there: by its hostname and subdomain, or by an annotation.
func (p *planner) hintNames(pod *workloads.Pod, add func(string, ...any)) {
	if pod.Annotations[wire.AnnotationPreExec] != "" {
		return
	}
	containers := slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
	for _, caller := range callers {
		if slices.ContainsFunc(containers, func(c corev1.Container) bool {
			host := hostIn(c.Env, caller.variable)
			return host != "" && !p.isSelf(pod, host) && !p.isOffered(pod.Namespace, host)
		}) {
			add("%s", caller.text)
		}
	}
	remote := p.options.Scope.RemoteNamespace(pod.Namespace)
	if remote == pod.Namespace {
		return
	}
	for _, name := range p.longNames(pod) {
		if short, _, _ := strings.Cut(name, "."+pod.Namespace+".svc"); p.isOffered(pod.Namespace, short) {
			add("the pod calls %s, but its remote namespace is %s: put %s into [offloading] namespace_prefix_exclusions, or use the name %s", name, remote, pod.Namespace, short)
			return
		}
	}
}

// isOffered reports whether a pod of the inputs has this name in the remote cluster. A pod that
// stays in the local cluster has none there.
func (p *planner) isOffered(namespace, host string) bool {
	host, domain, long := strings.Cut(host, "."+namespace+".svc")
	if long && domain != "" && domain[0] != '.' {
		return false
	}
	offloaded := slices.DeleteFunc(slices.Clone(p.pods), func(pod workloads.Pod) bool { return !isPlaced(&pod) })
	return slices.ContainsFunc(slices.Concat(offloaded, p.recorded), func(other workloads.Pod) bool {
		if other.Namespace != namespace {
			return false
		}
		service, _, _ := strings.Cut(other.Annotations[wire.AnnotationService], ":")
		hostname, ofSubdomain := strings.CutSuffix(host, "."+other.Spec.Subdomain)
		return service != "" && host == service ||
			other.Spec.Subdomain != "" && (host == other.Spec.Subdomain || ofSubdomain && other.HasHostname(hostname))
	})
}

// isSelf reports whether a local Service of this name selects the pod itself: it is the one
// that is called.
func (p *planner) isSelf(pod *workloads.Pod, host string) bool {
	return slices.ContainsFunc(p.services, func(service corev1.Service) bool {
		return (host == service.Name || strings.HasPrefix(host, service.Name+"."+pod.Namespace+".svc")) && selects(&service, pod)
	})
}

// hostIn returns the host name in the value of a variable, or "".
func hostIn(env []corev1.EnvVar, variable string) string {
	i := slices.IndexFunc(env, func(v corev1.EnvVar) bool { return v.Name == variable })
	if i < 0 {
		return ""
	}
	host := env[i].Value
	if parsed, err := url.Parse(host); err == nil && parsed.Host != "" {
		host = parsed.Hostname()
	}
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" {
		return ""
	}
	return host
}

// longName is a name of a Service, or of a pod behind one, with its namespace.
var longName = regexp.MustCompile(`[a-z0-9]([-a-z0-9.]*[a-z0-9])?\.svc\b`)

// longNames returns the names with the pod's namespace in its commands, variables, search
// domains and ConfigMaps.
func (p *planner) longNames(pod *workloads.Pod) []string {
	var texts []string
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		texts = append(append(texts, c.Command...), c.Args...)
		for _, variable := range c.Env {
			texts = append(texts, variable.Value)
		}
	}
	if pod.Spec.DNSConfig != nil {
		texts = append(texts, pod.Spec.DNSConfig.Searches...)
	}
	names := namesIn(texts, pod.Namespace)
	for _, volume := range pod.Spec.Volumes {
		if volume.ConfigMap != nil {
			names = append(names, p.namesInConfigMap(pod.Namespace, volume.ConfigMap.Name)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// namesInConfigMap returns the long names in a ConfigMap. It reads each once: all pods of a
// workload can have the same.
func (p *planner) namesInConfigMap(namespace, name string) []string {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	names, known := p.namesOf[key]
	if !known {
		for _, object := range p.objects.ConfigMaps {
			if object.Name == name && object.Namespace == namespace {
				names = append(names, namesIn(slices.Collect(maps.Values(object.Data)), namespace)...)
			}
		}
		p.namesOf[key] = names
	}
	return names
}

// namesIn returns the names with a namespace in texts, each once.
func namesIn(texts []string, namespace string) []string {
	var names []string
	for _, text := range texts {
		for _, name := range longName.FindAllString(text, -1) {
			if strings.HasSuffix(name, "."+namespace+".svc") {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
