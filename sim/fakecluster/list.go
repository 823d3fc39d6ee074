package fakecluster

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
)

func (c *Cluster) list(a clienttesting.ListActionImpl) (runtime.Object, error) {
	list, err := scheme.Scheme.New(a.Kind.GroupVersion().WithKind(a.Kind.Kind + "List"))
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	var items []runtime.Object
	if s := c.stores[a.Resource]; s != nil {
		for _, o := range s.list(filter{a.Namespace, a.ListRestrictions.Labels, a.ListRestrictions.Fields}) {
			items = append(items, o.DeepCopyObject())
		}
	}
	if err := meta.SetList(list, items); err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	accessor, err := meta.ListAccessor(list)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	accessor.SetResourceVersion(strconv.FormatInt(c.version, 10))
	return list, nil
}

// filter is the namespace and the selectors of a list or a watch.
type filter struct {
	namespace string
	labels    labels.Selector
	fields    fields.Selector
}

func (f filter) matches(o object) bool {
	return o != nil && (f.namespace == "" || o.GetNamespace() == f.namespace) &&
		(f.labels == nil || f.labels.Matches(labels.Set(o.GetLabels()))) &&
		(f.fields == nil || f.fields.Empty() || f.fields.Matches(selectableFields(o)))
}

// selectableFields returns the fields that a field selector of a real API server can use.
func selectableFields(o object) fields.Set {
	set := fields.Set{"metadata.name": o.GetName(), "metadata.namespace": o.GetNamespace()}
	if pod, ok := o.(*corev1.Pod); ok {
		set["spec.nodeName"] = pod.Spec.NodeName
		set["status.phase"] = string(pod.Status.Phase)
	}
	return set
}
