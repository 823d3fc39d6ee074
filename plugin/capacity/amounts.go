package capacity

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unique"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Amount is an amount of a resource: of CPU in thousandths of a core, of all others in units, such as bytes or
// devices. It is never negative.
type Amount struct {
	Name  corev1.ResourceName
	Value int64
}

// Amounts are amounts of different resources, sorted by name. A list needs a fraction of the
// memory of a corev1.ResourceList: there is one for each pod of the remote cluster.
type Amounts []Amount

// of returns the amount of a resource; 0 if the list does not have it.
func (a Amounts) of(name corev1.ResourceName) int64 {
	if i, ok := slices.BinarySearchFunc(a, name, func(a Amount, name corev1.ResourceName) int { return cmp.Compare(a.Name, name) }); ok {
		return a[i].Value
	}
	return 0
}

// amountsOf returns the amounts of a list that a node can offer. round is the direction for what is no whole number
// of units: what pods use is rounded up, what there is is rounded down.
func amountsOf(list corev1.ResourceList, round rounding) Amounts {
	amounts := make(Amounts, 0, len(list))
	for name, quantity := range list {
		if isOffered(name) {
			amounts = append(amounts, Amount{corev1.ResourceName(unique.Make(string(name)).Value()), round(name, quantity)})
		}
	}
	slices.SortFunc(amounts, func(a, b Amount) int { return cmp.Compare(a.Name, b.Name) })
	return amounts
}

// rounding returns an amount of a resource.
type rounding func(corev1.ResourceName, resource.Quantity) int64

func up(name corev1.ResourceName, quantity resource.Quantity) int64 {
	if largest := asQuantity(name, math.MaxInt64); quantity.Cmp(largest) >= 0 {
		return math.MaxInt64
	}
	if name == corev1.ResourceCPU {
		return max(quantity.MilliValue(), 0)
	}
	return max(quantity.Value(), 0)
}

func down(name corev1.ResourceName, quantity resource.Quantity) int64 {
	value := up(name, quantity)
	if rounded := asQuantity(name, value); value > 0 && rounded.Cmp(quantity) > 0 {
		value--
	}
	return value
}

// asQuantity returns an amount as people write it: memory in Ki, Mi or Gi if it is a multiple.
func asQuantity(name corev1.ResourceName, value int64) resource.Quantity {
	switch {
	case name == corev1.ResourceCPU:
		return *resource.NewMilliQuantity(value, resource.DecimalSI)
	case isBytes(name):
		return *resource.NewQuantity(value, resource.BinarySI)
	}
	return *resource.NewQuantity(value, resource.DecimalSI)
}

func isBytes(name corev1.ResourceName) bool {
	return name == corev1.ResourceMemory || name == corev1.ResourceEphemeralStorage || strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
}

// isOffered reports whether a virtual node can offer a resource: CPU, memory, pods, ephemeral storage, huge pages, and each extended
// resource, which is what a name with a domain other than kubernetes.io is
// (https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#extended-resources).
func isOffered(name corev1.ResourceName) bool {
	switch name {
	case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourcePods, corev1.ResourceEphemeralStorage:
		return true
	}
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) || isExtended(name)
}

// isExtended reports whether a resource is an extended one, such as a GPU.
func isExtended(name corev1.ResourceName) bool {
	domain, _, ok := strings.Cut(string(name), "/")
	return ok && domain != "kubernetes.io" && !strings.HasSuffix(domain, ".kubernetes.io") && !strings.HasPrefix(domain, "requests.")
}

// plus returns a sum, or the largest number if that is less: a node can say anything.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// minus returns a difference, or the smallest number if that is more.
func minus(a, b int64) int64 {
	if a < math.MinInt64+b {
		return math.MinInt64
	}
	return a - b
}

// share returns a percentage of an amount, rounded up.
func share(value int64, percent int) int64 {
	p := int64(percent)
	return value/100*p + (value%100*p+99)/100
}
