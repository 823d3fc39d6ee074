package cluster

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs/kube"
)

// wrap adds the operation and the object to err, and the kind of the failure. A nil
// err stays nil. An error that neither the API server nor the network reports is of an answer
// that cannot be decoded.
func wrap(err error, verb, object string) error {
	if err == nil {
		return nil
	}
	kind := kube.Kind(err)
	if _, known := errors.AsType[*errdefs.Error](err); kind == errdefs.Internal && !known {
		kind = errdefs.Unavailable
	}
	return errdefs.Wrap(kind, fmt.Errorf("%s %s: %w", verb, object, err))
}

// checkFound checks the answer to the get of an object. What does not have the name of the
// object is not the answer of an API server, although client-go decodes it: an object of
// another kind, or a part of one. And a 404 that is about something else does not say that the
// object does not exist: it comes from another Kubernetes API that a load balancer asked.
func checkFound(err error, found metav1.Object, name string) error {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) && apierrors.IsNotFound(err) {
		if details := status.Status().Details; details == nil || details.Name != name {
			return errdefs.New(errdefs.Unavailable, "the answer is not about this object: %w", err)
		}
	}
	if err == nil && found.GetName() != name {
		return errdefs.New(errdefs.Unavailable, "the answer is not this object")
	}
	return err
}

// checkCreated checks the answer to the create of an object, which has its name and a UID.
func checkCreated(err error, created metav1.Object, name string) error {
	if err == nil && (created.GetName() != name || created.GetUID() == "") {
		return errdefs.New(errdefs.Unavailable, "the answer is not this object")
	}
	return err
}

// checkList checks the answer to a list: each list of an API server has a resource version.
func checkList(err error, list metav1.ListInterface) error {
	if err == nil && list.GetResourceVersion() == "" {
		return errdefs.New(errdefs.Unavailable, "the answer is not a list")
	}
	return err
}
