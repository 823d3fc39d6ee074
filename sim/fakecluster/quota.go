package fakecluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var quotas = corev1.SchemeGroupVersion.WithResource("resourcequotas")

// admit refuses a new object that a quota of its namespace does not permit, in the words of
// the API server:
// https://github.com/kubernetes/apiserver/blob/master/pkg/admission/plugin/resourcequota/controller.go
func (c *Cluster) admit(gvr schema.GroupVersionResource, o object) error {
	usage := usageOf(gvr, o)
	for _, q := range c.quotasOf(o.GetNamespace()) {
		if missing := missingFields(q, o); missing != "" {
			return apierrors.NewForbidden(gvr.GroupResource(), o.GetName(), fmt.Errorf("failed quota: %s: must specify %s", q.Name, missing))
		}
		var requested, used, limited []string
		for _, name := range slices.Sorted(maps.Keys(q.Status.Hard)) {
			hard, sum, more := q.Status.Hard[name], q.Status.Used[name], usage[name]
			sum.Add(more)
			if more.IsZero() || sum.Cmp(hard) <= 0 {
				continue
			}
			before := q.Status.Used[name]
			requested = append(requested, fmt.Sprintf("%s=%s", name, more.String()))
			used = append(used, fmt.Sprintf("%s=%s", name, before.String()))
			limited = append(limited, fmt.Sprintf("%s=%s", name, hard.String()))
		}
		if len(requested) > 0 {
			return apierrors.NewForbidden(gvr.GroupResource(), o.GetName(), fmt.Errorf("exceeded quota: %s, requested: %s, used: %s, limited: %s",
				q.Name, strings.Join(requested, ","), strings.Join(used, ","), strings.Join(limited, ",")))
		}
	}
	return nil
}

// quotasOf returns the quotas of a namespace, by name.
func (c *Cluster) quotasOf(namespace string) []*corev1.ResourceQuota {
	s := c.stores[quotas]
	if s == nil || len(s.objects) == 0 || namespace == "" {
		return nil
	}
	var found []*corev1.ResourceQuota
	for _, o := range s.list(filter{namespace: namespace}) {
		found = append(found, o.(*corev1.ResourceQuota))
	}
	return found
}

// recount writes into the status of the quotas of a namespace what is used, as the quota
// controller does. The caller holds mu.
func (c *Cluster) recount(namespace string) {
	for _, q := range c.quotasOf(namespace) {
		used := corev1.ResourceList{}
		for name := range q.Spec.Hard {
			used[name] = resource.Quantity{}
		}
		for _, gvr := range counted {
			if s := c.stores[gvr]; s != nil {
				for _, o := range s.list(filter{namespace: namespace}) {
					for name, more := range usageOf(gvr, o) {
						if sum, isLimited := used[name]; isLimited {
							sum.Add(more)
							used[name] = sum
						}
					}
				}
			}
		}
		status := corev1.ResourceQuotaStatus{Hard: q.Spec.Hard.DeepCopy(), Used: used}
		if !equality.Semantic.DeepEqual(q.Status, status) {
			next := q.DeepCopy()
			next.Status = status
			c.commit(quotas, q, next)
		}
	}
}

// counted are the resources that quotas count.
var counted = []schema.GroupVersionResource{
	corev1.SchemeGroupVersion.WithResource("pods"), corev1.SchemeGroupVersion.WithResource("configmaps"),
	corev1.SchemeGroupVersion.WithResource("secrets"), corev1.SchemeGroupVersion.WithResource("services"),
	corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"),
}

// usageOf returns how much of each resource of a quota an object uses.
func usageOf(gvr schema.GroupVersionResource, o object) corev1.ResourceList {
	if !slices.Contains(counted, gvr) {
		return nil
	}
	one := *resource.NewQuantity(1, resource.DecimalSI)
	usage := corev1.ResourceList{corev1.ResourceName("count/" + gvr.Resource): one}
	pod, isPod := o.(*corev1.Pod)
	if isPod && (pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed) {
		return usage
	}
	usage[corev1.ResourceName(gvr.Resource)] = one
	if !isPod {
		return usage
	}
	for name, value := range sumOf(pod, requestsOf) {
		switch name {
		case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
			usage[name] = value
		}
		usage["requests."+name] = value
	}
	for name, value := range sumOf(pod, limitsOf) {
		switch name {
		case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
			usage["limits."+name] = value
		}
	}
	return usage
}

// requestsOf returns the requests of a container: a limit without a request is one.
func requestsOf(c *corev1.Container) corev1.ResourceList {
	requests := maps.Clone(c.Resources.Limits)
	if requests == nil {
		return c.Resources.Requests
	}
	maps.Copy(requests, c.Resources.Requests)
	return requests
}

func limitsOf(c *corev1.Container) corev1.ResourceList { return c.Resources.Limits }

// sumOf returns what a pod needs at its largest: all containers at the same time, or one init
// container with the sidecars that have started before it.
func sumOf(pod *corev1.Pod, of func(*corev1.Container) corev1.ResourceList) corev1.ResourceList {
	sidecars, largest, sum := corev1.ResourceList{}, corev1.ResourceList{}, corev1.ResourceList{}
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		need := sidecars.DeepCopy()
		add(need, of(c))
		raise(largest, need)
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			sidecars = need
		}
	}
	add(sum, sidecars)
	for i := range pod.Spec.Containers {
		add(sum, of(&pod.Spec.Containers[i]))
	}
	raise(sum, largest)
	return sum
}

func add(sum, more corev1.ResourceList) {
	for name, value := range more {
		total := sum[name]
		total.Add(value)
		sum[name] = total
	}
}

func raise(largest, to corev1.ResourceList) {
	for name, value := range to {
		if before := largest[name]; value.Cmp(before) > 0 {
			largest[name] = value.DeepCopy()
		}
	}
}

// missingFields names the requests and limits that a quota demands of each container, and
// that a pod does not have.
func missingFields(q *corev1.ResourceQuota, o object) string {
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return ""
	}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(q.Status.Hard)) {
		of, field := requestsOf, corev1.ResourceName(strings.TrimPrefix(string(name), "requests."))
		if limit, isLimit := strings.CutPrefix(string(name), "limits."); isLimit {
			of, field = limitsOf, corev1.ResourceName(limit)
		}
		if field != corev1.ResourceCPU && field != corev1.ResourceMemory {
			continue
		}
		var without []string
		for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
			for i := range list {
				if _, has := of(&list[i])[field]; !has {
					without = append(without, list[i].Name)
				}
			}
		}
		if len(without) > 0 {
			slices.Sort(without)
			missing = append(missing, fmt.Sprintf("%s for: %s", name, strings.Join(without, ",")))
		}
	}
	return strings.Join(missing, "; ")
}
