package fakecluster

import (
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
)

// dispatch answers every request of the fake clientset except watches: it is the
// reactor that calls the handler of each verb.
func (c *Cluster) dispatch(action clienttesting.Action) (bool, runtime.Object, error) {
	gvr := action.GetResource()
	switch a := action.(type) {
	case clienttesting.CreateActionImpl:
		switch o := a.Object.(type) {
		case *authorizationv1.SelfSubjectAccessReview:
			o.Status.Allowed = true
			return true, o, nil
		case *corev1.Binding:
			return true, o, c.bind(gvr, o)
		case *policyv1.Eviction:
			return true, o, c.evict(gvr, a.Namespace, o)
		case object:
			if a.Subresource != "" {
				break
			}
			created, err := c.create(gvr, a.Namespace, o)
			return answer(created, err)
		}
	case clienttesting.GetActionImpl:
		c.mu.RLock()
		defer c.mu.RUnlock()
		o, err := c.find(gvr, a.Namespace, a.Name)
		return answer(o, err)
	case clienttesting.ListActionImpl:
		list, err := c.list(a)
		return true, list, err
	case clienttesting.UpdateActionImpl:
		if o, ok := a.Object.(object); ok && (a.Subresource == "" || a.Subresource == "status") {
			updated, err := c.update(gvr, a.Namespace, a.Subresource, o)
			return answer(updated, err)
		}
	case clienttesting.PatchActionImpl:
		if a.Subresource == "" && a.PatchType == types.ApplyPatchType {
			applied, err := c.apply(gvr, a.Namespace, a.Name, a.Patch)
			return answer(applied, err)
		}
		if a.Subresource == "" && (a.PatchType == types.StrategicMergePatchType || a.PatchType == types.MergePatchType) {
			patched, err := c.patch(gvr, a.Namespace, a.Name, a.PatchType, a.Patch)
			return answer(patched, err)
		}
	case clienttesting.DeleteActionImpl:
		return true, nil, c.delete(gvr, a.Namespace, a.Name, a.DeleteOptions)
	case clienttesting.DeleteCollectionActionImpl:
		f := filter{a.Namespace, a.ListRestrictions.Labels, a.ListRestrictions.Fields}
		return true, nil, c.deleteCollection(gvr, f, a.DeleteOptions)
	}
	return true, nil, apierrors.NewMethodNotSupported(gvr.GroupResource(), action.GetVerb()+" "+action.GetSubresource())
}

// answer returns a copy of o, so that the caller can modify it.
func answer(o object, err error) (bool, runtime.Object, error) {
	if err != nil {
		return true, nil, err
	}
	return true, o.DeepCopyObject(), nil
}
