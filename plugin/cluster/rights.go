package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// Right is one thing that the plugin does in the remote cluster.
type Right struct {
	Verb, Resource string
	// Group is the resource's; empty for the core.
	Group string
	// Namespace is where it must be permitted; empty means in all.
	Namespace string
	// Why says what the plugin needs it for.
	Why string
}

// String names the right as an RBAC rule would.
func (r Right) String() string { return r.Verb + " " + r.Resource }

// Rights lists every right that the plugin uses, and none that it does not; but
// for an account that may not make namespaces: it may get them instead, and then
// uses those that are there. In
// single-namespace mode all are in that namespace, and namespaces themselves
// are neither looked at nor made.
func Rights(namespace string) []Right {
	rights := []Right{
		{Verb: "create", Resource: "pods", Why: "run the pod"},
		{Verb: "list", Resource: "pods", Why: "fill the pod cache, find a pod by its UID"},
		{Verb: "watch", Resource: "pods", Why: "follow the pods' states"},
		{Verb: "patch", Resource: "pods", Why: "end a pod whose mesh network did not come up"},
		{Verb: "deletecollection", Resource: "pods", Why: "delete a pod by its labels"},
		{Verb: "get", Resource: "pods/log", Why: "kubectl logs"},
		{Verb: "create", Resource: "configmaps", Why: "carry ConfigMaps along"},
		{Verb: "deletecollection", Resource: "configmaps", Why: "delete a pod's ConfigMaps with it"},
		{Verb: "create", Resource: "secrets", Why: "carry Secrets and projected files along"},
		{Verb: "deletecollection", Resource: "secrets", Why: "delete a pod's Secrets with it"},
		{Verb: "get", Resource: "persistentvolumeclaims", Why: "find a claim and its retention policy"},
		{Verb: "create", Resource: "persistentvolumeclaims", Why: "make a claim that is not there"},
		{Verb: "delete", Resource: "persistentvolumeclaims", Why: "delete a claim whose policy says so"},
	}
	for i := range rights {
		rights[i].Namespace = namespace
	}
	if namespace == "" {
		rights = append(rights, Right{Verb: "create", Resource: "namespaces", Why: "make a namespace that is not there"})
	}
	return rights
}

// TunnelRights lists what the plugin does beside that for the TCP tunnels of pods,
// in the pods' namespaces. What Helm does for it is plugin/tunnel's.
func TunnelRights(namespace string) []Right {
	return []Right{
		{Verb: "create", Resource: "services", Namespace: namespace, Why: "lead a tunnel to the pod"},
		{Verb: "get", Resource: "services", Namespace: namespace, Why: "see whose Service it is before it is deleted"},
		{Verb: "delete", Resource: "services", Namespace: namespace, Why: "delete a pod's Service with it"},
	}
}

// Reviewer asks the remote API server about itself and the plugin's rights.
type Reviewer struct{ client kubernetes.Interface }

// NewReviewer returns a reviewer with the rights of a client.
func NewReviewer(client kubernetes.Interface) Reviewer { return Reviewer{client: client} }

// Permitted asks whether the plugin has a right, and for the reason if one is
// given.
func (r Reviewer) Permitted(ctx context.Context, right Right) (bool, string, error) {
	resource, subresource, _ := strings.Cut(right.Resource, "/")
	review, err := r.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: right.Namespace, Verb: right.Verb, Group: right.Group, Resource: resource, Subresource: subresource,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, "", wrap(err, "ask for the right to", right.String())
	}
	return review.Status.Allowed, review.Status.Reason, nil
}

// Version returns the remote API server's version and platform.
func (r Reviewer) Version(ctx context.Context) (string, error) {
	answer, err := r.client.Discovery().RESTClient().Get().AbsPath("/version").
		SetHeader("Accept", "application/json").Do(ctx).Raw()
	if err != nil {
		return "", wrap(err, "ask for the version of", "the remote API server")
	}
	var info version.Info
	if err := json.Unmarshal(answer, &info); err != nil {
		return "", errdefs.New(errdefs.Unavailable, "ask for the version of the remote API server: what answered is none: %w", err)
	}
	return fmt.Sprintf("%s (%s)", info.GitVersion, info.Platform), nil
}
