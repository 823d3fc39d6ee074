package fakecluster

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
)

// object is an item of a store. A stored object is never modified, only replaced,
// because watches and the history share it.
type object interface {
	runtime.Object
	metav1.Object
}

func clone(o object) object { return o.DeepCopyObject().(object) }

// store holds the objects of one resource and an index by label. Without the index
// the time to find the few objects of one pod grows with the number of pods.
type store struct {
	objects map[types.NamespacedName]object
	byLabel map[string]map[types.NamespacedName]object // the key is label=value

	// history holds the latest changes, for watches that start at an earlier version.
	history        []change
	droppedVersion int64 // the version of the latest change that is no longer in history
	watchers       map[*watcher]struct{}
}

// historySize is the minimum number of changes that a store remembers.
const historySize = 1000

// change is one write: a create has no old object, a delete no new one.
type change struct {
	version  int64
	old, new object
	// deleted is the old object with the version of this change. Watches report it as
	// deleted, either because the object is or because its labels no longer match.
	deleted object
}

func newStore() *store {
	return &store{
		objects:  map[types.NamespacedName]object{},
		byLabel:  map[string]map[types.NamespacedName]object{},
		watchers: map[*watcher]struct{}{},
	}
}

// store returns the store of a resource. The caller holds mu for writing.
func (c *Cluster) store(gvr schema.GroupVersionResource) *store {
	if c.stores[gvr] == nil {
		c.stores[gvr] = newStore()
	}
	return c.stores[gvr]
}

// find returns the stored object itself, which the caller must not modify. The
// caller holds mu.
func (c *Cluster) find(gvr schema.GroupVersionResource, namespace, name string) (object, error) {
	if s := c.stores[gvr]; s != nil {
		if o, ok := s.objects[types.NamespacedName{Namespace: namespace, Name: name}]; ok {
			return o, nil
		}
	}
	return nil, apierrors.NewNotFound(gvr.GroupResource(), name)
}

// commit replaces old with next under a new resource version: old is nil for a
// create, next is nil for a delete. The caller holds mu.
func (c *Cluster) commit(gvr schema.GroupVersionResource, old, next object) {
	c.version++
	write := change{version: c.version, old: old, new: next}
	version := strconv.FormatInt(c.version, 10)
	if next != nil {
		next.SetResourceVersion(version)
	}
	if old != nil && (next == nil || !maps.Equal(old.GetLabels(), next.GetLabels())) {
		write.deleted = clone(old)
		write.deleted.SetResourceVersion(version)
	}
	c.store(gvr).apply(write)
	c.collector.observe(gvr, old, next)
	if gvr == quotas || slices.Contains(counted, gvr) {
		c.recount(newest(old, next).GetNamespace())
	}
}

func keyOf(o object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// apply stores a change, adds it to the history and sends it to the watches.
func (s *store) apply(write change) {
	if write.old != nil {
		for label, value := range write.old.GetLabels() {
			indexKey := label + "=" + value
			delete(s.byLabel[indexKey], keyOf(write.old))
			if len(s.byLabel[indexKey]) == 0 {
				delete(s.byLabel, indexKey)
			}
		}
		delete(s.objects, keyOf(write.old))
	}
	if write.new != nil {
		for label, value := range write.new.GetLabels() {
			indexKey := label + "=" + value
			if s.byLabel[indexKey] == nil {
				s.byLabel[indexKey] = map[types.NamespacedName]object{}
			}
			s.byLabel[indexKey][keyOf(write.new)] = write.new
		}
		s.objects[keyOf(write.new)] = write.new
	}
	if s.history = append(s.history, write); len(s.history) >= 2*historySize {
		s.droppedVersion = s.history[historySize-1].version
		s.history = slices.Clone(s.history[historySize:])
	}
	for w := range s.watchers {
		w.enqueue(write)
	}
}

// list returns the objects that match a filter, ordered by namespace and name as a
// real API server does. They are the stored objects, which the caller must not modify.
func (s *store) list(f filter) []object {
	candidates := s.objects
	if f.labels != nil {
		requirements, _ := f.labels.Requirements()
		for _, r := range requirements {
			if op := r.Operator(); op != selection.Equals && op != selection.DoubleEquals && op != selection.In || r.Values().Len() != 1 {
				continue
			}
			if indexed := s.byLabel[r.Key()+"="+r.Values().UnsortedList()[0]]; len(indexed) < len(candidates) {
				candidates = indexed
			}
		}
	}
	var found []object
	for _, o := range candidates {
		if f.matches(o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b object) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return found
}
