package fakecluster

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// reference names a stored object.
type reference struct {
	gvr schema.GroupVersionResource
	key types.NamespacedName
}

func compareReferences(a, b reference) int {
	return cmp.Or(cmp.Compare(a.gvr.String(), b.gvr.String()), cmp.Compare(a.key.String(), b.key.String()))
}

// collector is the state of the garbage collector: who depends on whom, and which
// objects it must look at. It follows
// https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents
type collector struct {
	objects    map[types.UID]reference
	dependents map[types.UID]map[reference]bool // by the UID of the owner
	suspects   []reference
}

// observe keeps a change in mind, and the objects that the collector must look at
// because of it.
func (c *collector) observe(gvr schema.GroupVersionResource, old, next object) {
	var before, after []metav1.OwnerReference
	if old != nil {
		before = old.GetOwnerReferences()
	}
	if next != nil {
		after = next.GetOwnerReferences()
	}
	self := reference{gvr, keyOf(newest(old, next))}
	for _, owner := range before {
		if delete(c.dependents[owner.UID], self); len(c.dependents[owner.UID]) == 0 {
			delete(c.dependents, owner.UID)
		}
		if r, exists := c.objects[owner.UID]; exists && ptr.Deref(owner.BlockOwnerDeletion, false) {
			c.suspects = append(c.suspects, r) // it may wait for the end of this dependent
		}
	}
	for _, owner := range after {
		if c.dependents[owner.UID] == nil {
			c.dependents[owner.UID] = map[reference]bool{}
		}
		c.dependents[owner.UID][self] = true
	}
	switch {
	case next == nil:
		delete(c.objects, old.GetUID())
		c.suspects = append(c.suspects, c.dependentsOf(old.GetUID())...)
		return
	case slices.ContainsFunc(after, func(owner metav1.OwnerReference) bool { return !c.isKnown(next.GetNamespace(), owner) }):
		c.suspects = append(c.suspects, self)
	}
	c.objects[next.GetUID()] = self
	if next.GetDeletionTimestamp() != nil && hasCollectorFinalizer(next) {
		c.suspects = append(append(c.suspects, c.dependentsOf(next.GetUID())...), self)
	}
}

func newest(old, next object) object {
	if next != nil {
		return next
	}
	return old
}

// isKnown reports whether the object with an owner's UID has its kind and name, and the
// dependent can have it as owner. If so, a new reference is no reason to look at the
// dependent now.
func (c *collector) isKnown(namespace string, owner metav1.OwnerReference) bool {
	gvr, namespaced := resourceOf(schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind))
	if !namespaced {
		namespace = ""
	}
	return c.objects[owner.UID] == reference{gvr, types.NamespacedName{Namespace: namespace, Name: owner.Name}}
}

// dependentsOf returns the objects that name an owner, in a fixed order.
func (c *collector) dependentsOf(owner types.UID) []reference {
	var all []reference
	for dependent := range c.dependents[owner] {
		all = append(all, dependent)
	}
	slices.SortFunc(all, compareReferences)
	return all
}

// clusterScoped are the kinds without a namespace that this cluster is used with.
var clusterScoped = map[schema.GroupKind]bool{
	{Kind: "Namespace"}: true, {Kind: "Node"}: true, {Kind: "PersistentVolume"}: true,
}

func resourceOf(gvk schema.GroupVersionKind) (gvr schema.GroupVersionResource, namespaced bool) {
	gvr, _ = meta.UnsafeGuessKindToResource(gvk)
	return gvr, !clusterScoped[gvk.GroupKind()]
}
