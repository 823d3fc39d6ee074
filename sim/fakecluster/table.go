package fakecluster

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// object is what a table holds. One that is in a table is never modified, only
// replaced: watchers and history share it.
type object interface {
	runtime.Object
	metav1.Object
}

func clone(o object) object { return o.DeepCopyObject().(object) }

// table holds the objects of one resource, with an index by label, without which
// finding the few objects of one pod would take the longer the more pods there are.
type table struct {
	objects  map[types.NamespacedName]object
	labelled map[string]map[types.NamespacedName]object // by key=value

	// history is what a watch is told that starts at an earlier version.
	history  []event
	forgot   int64 // the version of the last event that history has dropped
	watchers map[*watcher]struct{}
}

// historySize is how many events a table remembers, at least.
const historySize = 1000

// event is a change: from old to new, either of which may be nil.
type event struct {
	version  int64
	old, new object
	last     object // the old state, with the version of its end: what a deletion shows
}

func newTable() *table {
	return &table{
		objects:  map[types.NamespacedName]object{},
		labelled: map[string]map[types.NamespacedName]object{},
		watchers: map[*watcher]struct{}{},
	}
}

func nameOf(o object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// change puts an event into the table and tells the watchers.
func (t *table) change(e event) {
	if e.old != nil {
		for key, value := range e.old.GetLabels() {
			delete(t.labelled[key+"="+value], nameOf(e.old))
			if len(t.labelled[key+"="+value]) == 0 {
				delete(t.labelled, key+"="+value)
			}
		}
		delete(t.objects, nameOf(e.old))
	}
	if e.new != nil {
		for key, value := range e.new.GetLabels() {
			label := key + "=" + value
			if t.labelled[label] == nil {
				t.labelled[label] = map[types.NamespacedName]object{}
			}
			t.labelled[label][nameOf(e.new)] = e.new
		}
		t.objects[nameOf(e.new)] = e.new
	}
	if t.history = append(t.history, e); len(t.history) >= 2*historySize {
		t.forgot = t.history[historySize-1].version
		t.history = slices.Clone(t.history[historySize:])
	}
	for w := range t.watchers {
		w.tell(e)
	}
}

// filter is what a list or a watch selects.
type filter struct {
	namespace string
	labels    labels.Selector
	fields    fields.Selector
}

func (f filter) matches(o object) bool {
	return o != nil && (f.namespace == "" || o.GetNamespace() == f.namespace) &&
		(f.labels == nil || f.labels.Matches(labels.Set(o.GetLabels()))) &&
		(f.fields == nil || f.fields.Empty() || f.fields.Matches(fieldsOf(o)))
}

// fieldsOf are the fields by which a real API server selects.
func fieldsOf(o object) fields.Set {
	set := fields.Set{"metadata.name": o.GetName(), "metadata.namespace": o.GetNamespace()}
	if pod, ok := o.(*corev1.Pod); ok {
		set["spec.nodeName"] = pod.Spec.NodeName
		set["status.phase"] = string(pod.Status.Phase)
	}
	return set
}

// list returns what a filter selects, in the order of a real API server. The
// objects are the table's own.
func (t *table) list(f filter) []object {
	from := t.objects
	if f.labels != nil {
		requirements, _ := f.labels.Requirements()
		for _, r := range requirements {
			if op := r.Operator(); op != selection.Equals && op != selection.DoubleEquals && op != selection.In || r.Values().Len() != 1 {
				continue
			}
			if few := t.labelled[r.Key()+"="+r.Values().UnsortedList()[0]]; len(few) < len(from) {
				from = few
			}
		}
	}
	var found []object
	for _, o := range from {
		if f.matches(o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b object) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return found
}

// seen is an event as a watch with a filter sees it: an object that comes to
// match is added, one that ceases to is deleted.
func (f filter) seen(e event) (watch.Event, bool) {
	was, is := f.matches(e.old), f.matches(e.new)
	switch {
	case is && was:
		return watch.Event{Type: watch.Modified, Object: e.new}, true
	case is:
		return watch.Event{Type: watch.Added, Object: e.new}, true
	case was && e.last == nil: // by a field
		return watch.Event{Type: watch.Deleted, Object: e.new}, true
	case was:
		return watch.Event{Type: watch.Deleted, Object: e.last}, true
	}
	return watch.Event{}, false
}
