package fakecluster

import (
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
)

// Collect does what the garbage collector has to do by now. Only a cluster whose
// options hold the collection needs it; others collect at the end of each request.
func (c *Cluster) Collect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.collect()
}

// unlock ends a request that may have changed objects: first the garbage collector
// does what follows from it.
func (c *Cluster) unlock() {
	if !c.options.HoldCollection {
		c.collect()
	}
	c.mu.Unlock()
}

// collect looks at all suspects, also at those that it causes itself. The caller holds
// mu.
func (c *Cluster) collect() {
	for len(c.collector.suspects) > 0 {
		suspect := c.collector.suspects[0]
		c.collector.suspects = c.collector.suspects[1:]
		o, err := c.find(suspect.gvr, suspect.key.Namespace, suspect.key.Name)
		switch {
		case err != nil: // it is gone
		case o.GetDeletionTimestamp() == nil:
			c.collectDependent(suspect.gvr, o)
		case slices.Contains(o.GetFinalizers(), metav1.FinalizerOrphanDependents):
			for _, dependent := range c.collector.dependentsOf(o.GetUID()) {
				c.removeOwners(dependent, []types.UID{o.GetUID()})
			}
			c.removeFinalizer(suspect.gvr, o, metav1.FinalizerOrphanDependents)
		case slices.Contains(o.GetFinalizers(), metav1.FinalizerDeleteDependents):
			if !c.isBlocked(o.GetUID()) {
				c.removeFinalizer(suspect.gvr, o, metav1.FinalizerDeleteDependents)
			}
		}
	}
	c.collector.suspects = nil // frees the array
}

// collectDependent deletes an object whose owners are all gone, or delete it in the
// foreground. While one owner lives, the object only loses its references to the
// others.
func (c *Cluster) collectDependent(gvr schema.GroupVersionResource, o object) {
	var gone []types.UID
	owned, foreground := false, false
	for _, owner := range o.GetOwnerReferences() {
		switch c.stateOfOwner(o.GetNamespace(), owner) {
		case ownerUnknown:
			return
		case ownerLives:
			owned = true
		case ownerDeletesDependents:
			foreground = true
			gone = append(gone, owner.UID)
		case ownerGone:
			gone = append(gone, owner.UID)
		}
	}
	switch {
	case len(gone) == 0:
	case owned:
		c.removeOwners(reference{gvr, keyOf(o)}, gone)
	default:
		options := metav1.DeleteOptions{}
		if foreground && len(c.collector.dependents[o.GetUID()]) > 0 {
			options.PropagationPolicy = ptr.To(metav1.DeletePropagationForeground)
		}
		if c.options.Collected != nil {
			c.options.Collected(reflect.TypeOf(o).Elem().Name(), o)
		}
		_ = c.deleteObject(gvr, o, options) // without a precondition no error is possible
	}
}

// stateOfOwner is what an owner reference says about the object that has it.
type stateOfOwner int

const (
	ownerLives             stateOfOwner = iota
	ownerDeletesDependents              // it is deleted in the foreground
	ownerGone
	ownerUnknown // the collector cannot tell, and leaves the object alone
)

// stateOfOwner looks for an owner as a real collector does: by kind and name, in the
// namespace of the dependent. An object with another UID is another object.
func (c *Cluster) stateOfOwner(namespace string, owner metav1.OwnerReference) stateOfOwner {
	gvk := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind)
	if !scheme.Scheme.Recognizes(gvk) {
		return ownerUnknown
	}
	gvr, namespaced := resourceOf(gvk)
	switch {
	case !namespaced:
		namespace = ""
	case namespace == "": // an object without a namespace cannot have such an owner
		return ownerUnknown
	}
	o, err := c.find(gvr, namespace, owner.Name)
	switch {
	case err != nil, o.GetUID() != owner.UID:
		return ownerGone
	case o.GetDeletionTimestamp() != nil && slices.Contains(o.GetFinalizers(), metav1.FinalizerDeleteDependents):
		return ownerDeletesDependents
	}
	return ownerLives
}

// isBlocked reports whether an object that is deleted in the foreground must wait for
// one of its dependents.
func (c *Cluster) isBlocked(owner types.UID) bool {
	for dependent := range c.collector.dependents[owner] {
		o, err := c.find(dependent.gvr, dependent.key.Namespace, dependent.key.Name)
		if err == nil && slices.ContainsFunc(o.GetOwnerReferences(), func(r metav1.OwnerReference) bool {
			return r.UID == owner && ptr.Deref(r.BlockOwnerDeletion, false)
		}) {
			return true
		}
	}
	return false
}

// removeOwners removes the references to some owners from an object.
func (c *Cluster) removeOwners(dependent reference, owners []types.UID) {
	old, err := c.find(dependent.gvr, dependent.key.Namespace, dependent.key.Name)
	if err != nil {
		return
	}
	next := clone(old)
	next.SetOwnerReferences(slices.DeleteFunc(next.GetOwnerReferences(), func(r metav1.OwnerReference) bool {
		return slices.Contains(owners, r.UID)
	}))
	c.commit(dependent.gvr, old, next)
}

// removeFinalizer removes a finalizer of the collector. Without finalizers, an object
// that need not be stopped first is gone.
func (c *Cluster) removeFinalizer(gvr schema.GroupVersionResource, old object, finalizer string) {
	next := clone(old)
	next.SetFinalizers(slices.DeleteFunc(next.GetFinalizers(), func(name string) bool { return name == finalizer }))
	if isDeleted(next) {
		next = nil
	}
	c.commit(gvr, old, next)
}

// isDeleted reports whether nothing holds an object any more that is being deleted.
func isDeleted(o object) bool {
	return o.GetDeletionTimestamp() != nil && len(o.GetFinalizers()) == 0 && ptr.Deref(o.GetDeletionGracePeriodSeconds(), 0) == 0
}

func hasCollectorFinalizer(o object) bool {
	return slices.ContainsFunc(o.GetFinalizers(), isCollectorFinalizer)
}

func isCollectorFinalizer(name string) bool {
	return name == metav1.FinalizerOrphanDependents || name == metav1.FinalizerDeleteDependents
}

// finalizersAfterDelete returns the finalizers of an object after a delete with a
// propagation policy: those of the collector follow the policy, or stay without one.
func finalizersAfterDelete(o object, options metav1.DeleteOptions) []string {
	policy := options.PropagationPolicy
	if orphan := options.OrphanDependents; orphan != nil { //nolint:staticcheck // deprecated, and accepted by API servers
		policy = ptr.To(metav1.DeletePropagationBackground)
		if *orphan {
			policy = ptr.To(metav1.DeletePropagationOrphan)
		}
	}
	if policy == nil {
		return o.GetFinalizers()
	}
	finalizers := slices.DeleteFunc(slices.Clone(o.GetFinalizers()), isCollectorFinalizer)
	switch *policy {
	case metav1.DeletePropagationOrphan:
		finalizers = append(finalizers, metav1.FinalizerOrphanDependents)
	case metav1.DeletePropagationForeground:
		finalizers = append(finalizers, metav1.FinalizerDeleteDependents)
	}
	return finalizers
}
