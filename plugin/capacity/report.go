package capacity

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Options say what this installation may use.
type Options struct {
	// Instance is the name of this installation: the pods with this label are its own.
	Instance string
	// NodeSelector and Tolerations are those that each remote pod gets.
	NodeSelector map[string]string
	Tolerations  []corev1.Toleration
	// PriorityClass is that of remote pods. Quotas for other classes do not count.
	PriorityClass string
	// Reserve is the part of the total that is not offered, in percent: from 0 to 100.
	Reserve int
	// IsOwn reports whether a remote namespace is one of this installation, even if it has no
	// pods there yet; nil for none.
	IsOwn func(namespace string) bool
	// Next are the quotas of the next namespace that the plugin creates; empty if it gets none.
	Next []Quota
}

// Report is what the remote cluster offers to this installation.
type Report struct {
	// Resources are sorted by name. A resource that is not in it is not limited, or not known.
	Resources []Resource
	// Taints are those that all nodes have that can be used, and that pods do not tolerate: such pods are placed there
	// only if there is no other node.
	Taints []corev1.Taint
	// Since is when the objects were read that the report is computed from.
	Since time.Time
}

// Resource is how much there is of a resource.
type Resource struct {
	Name corev1.ResourceName
	// Offered is what this installation may use, with what it uses already.
	Offered resource.Quantity
	// Used is what the pods of this installation request that have not ended.
	Used resource.Quantity
	// Total is what the nodes have, or what the quotas permit.
	Total resource.Quantity
}

// MaxResources is the number of resources that a report has at most, the first by name: no cluster needs more, and the
// virtual kubelet writes the text of the ping into an annotation of its node.
const MaxResources = 100

// known are what a report always has if it says anything about nodes.
var known = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourcePods}

// sums are the sums of a report by resource.
type sums struct{ total, offered, used map[corev1.ResourceName]int64 }

func newSums() sums {
	return sums{map[corev1.ResourceName]int64{}, map[corev1.ResourceName]int64{}, map[corev1.ResourceName]int64{}}
}

// report returns the report of the resources of total, less the reserve.
func (s sums) report(reserve int) Report {
	names := slices.Sorted(maps.Keys(s.total))
	if len(names) > MaxResources {
		isKnown := func(name corev1.ResourceName) bool { return slices.Contains(known, name) }
		others := slices.DeleteFunc(slices.Clone(names), isKnown)
		names = slices.DeleteFunc(names, func(name corev1.ResourceName) bool { return !isKnown(name) })
		names = slices.Sorted(slices.Values(append(names, others[:MaxResources-len(names)]...)))
	}
	r := Report{Resources: make([]Resource, 0, len(names))}
	for _, name := range names {
		offered := max(s.offered[name]-share(s.total[name], reserve), 0)
		r.Resources = append(r.Resources, Resource{
			Name: name, Offered: asQuantity(name, offered), Used: asQuantity(name, s.used[name]), Total: asQuantity(name, s.total[name]),
		})
	}
	return r
}

// Find returns the resource with a name.
func (r Report) Find(name corev1.ResourceName) (Resource, bool) {
	for _, found := range r.Resources {
		if found.Name == name {
			return found, true
		}
	}
	return Resource{}, false
}

// Keep returns the report with the resources of an earlier one that it does not have any more, as 0, and with an
// empty list of taints if that had some: the virtual kubelet keeps what it is not told (docs/contract.md, PING-5).
func (r Report) Keep(before Report) Report {
	for _, lost := range before.Resources {
		if _, ok := r.Find(lost.Name); !ok && len(r.Resources) < MaxResources {
			none := asQuantity(lost.Name, 0)
			r.Resources = append(slices.Clone(r.Resources), Resource{Name: lost.Name, Offered: none, Used: none, Total: none})
		}
	}
	r.sort()
	if before.Taints != nil && r.Taints == nil {
		r.Taints = []corev1.Taint{}
	}
	return r
}

// WithNone returns the report with extended resources that it does not have, as 0: an earlier process of the plugin may
// have said that there are some (docs/contract.md, PING-12). Names of others are ignored.
func (r Report) WithNone(names []corev1.ResourceName) Report {
	return r.with(slices.Values(names), nil)
}

// with is WithNone for resources that pods of this installation request.
func (r Report) with(names iter.Seq[corev1.ResourceName], used map[corev1.ResourceName]int64) Report {
	r.Resources = slices.Clone(r.Resources)
	for _, name := range slices.Sorted(names) {
		if _, ok := r.Find(name); ok || !isExtended(name) || len(r.Resources) >= MaxResources {
			continue
		}
		r.Resources = append(r.Resources, Resource{Name: name, Offered: asQuantity(name, 0), Used: asQuantity(name, used[name]), Total: asQuantity(name, 0)})
	}
	r.sort()
	return r
}

func (r Report) sort() {
	slices.SortFunc(r.Resources, func(a, b Resource) int { return cmp.Compare(a.Name, b.Name) })
}
