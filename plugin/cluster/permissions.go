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

// Permission is one operation on one resource of the remote cluster.
type Permission struct {
	Verb, Resource string
	// Group is the API group of the resource; empty for the core group.
	Group string
	// Namespace is where the operation must be permitted; empty for all namespaces.
	Namespace string
	// Name is the only object that the operation is about; empty for all.
	Name string
	// Why says what the plugin needs the permission for.
	Why string
	// Optional says that the plugin works without the permission, apart from what Why says.
	Optional bool
}

// String returns verb and resource, as in an RBAC rule.
func (p Permission) String() string { return p.Verb + " " + p.Resource }

// RequiredPermissions lists every permission that the plugin uses, and no other.
// In single-namespace mode all permissions are in that namespace, and the plugin
// neither reads nor creates namespaces. In the other mode, an account that may not
// create namespaces needs the permission to get them; the plugin then uses namespaces
// that exist.
func RequiredPermissions(namespace string) []Permission {
	permissions := []Permission{
		{Verb: "create", Resource: "pods", Why: "run the pod"},
		{Verb: "get", Resource: "pods", Why: "find a pod by its name"},
		{Verb: "list", Resource: "pods", Why: "fill the pod cache, find the pods that use a claim"},
		{Verb: "watch", Resource: "pods", Why: "follow the pods' states"},
		{Verb: "patch", Resource: "pods", Why: "let a pod start, end a pod whose mesh network failed"},
		{Verb: "delete", Resource: "pods", Why: "delete the pod"},
		{Verb: "get", Resource: "pods/log", Why: "kubectl logs"},
		{Verb: "list", Resource: "events", Optional: true, Why: "tell a user what the events say that a pod waits for"},
		{Verb: "create", Resource: "configmaps", Why: "copy the pod's ConfigMaps"},
		{Verb: "get", Resource: "configmaps", Why: "find out which pod owns a ConfigMap that exists"},
		{Verb: "delete", Resource: "configmaps", Why: "delete the ConfigMaps of a pod that is gone"},
		{Verb: "deletecollection", Resource: "configmaps", Why: "delete the ConfigMaps of pods of earlier versions"},
		{Verb: "create", Resource: "secrets", Why: "copy the pod's Secrets and projected files"},
		{Verb: "get", Resource: "secrets", Why: "find out which pod owns a Secret that exists"},
		{Verb: "delete", Resource: "secrets", Why: "delete the Secrets of a pod that is gone"},
		{Verb: "deletecollection", Resource: "secrets", Why: "delete the Secrets of pods of earlier versions"},
		{Verb: "get", Resource: "persistentvolumeclaims", Why: "find a claim and its retention policy"},
		{Verb: "create", Resource: "persistentvolumeclaims", Why: "create a claim that does not exist"},
		{Verb: "patch", Resource: "persistentvolumeclaims", Why: "keep a claim that a pod begins to use"},
		{Verb: "delete", Resource: "persistentvolumeclaims", Why: "delete a claim if its policy says so"},
		{Verb: "list", Resource: "configmaps", Optional: true, Why: "find each pod that waits for a quota, and orphans; without it, creates over a quota fail"},
		{Verb: "patch", Resource: "configmaps", Optional: true, Why: "create each pod that waits for a quota, store the ledger of used resources; without it, creates over a quota fail"},
		{Verb: "watch", Resource: "resourcequotas", Optional: true, Why: "create a pod as soon as its quota permits it; without it, up to a minute later"},
	}
	for i := range permissions {
		permissions[i].Namespace = namespace
	}
	if namespace == "" {
		permissions = append(permissions,
			Permission{Verb: "create", Resource: "services", Why: "make names of pods known to each other"},
			Permission{Verb: "get", Resource: "services", Why: "find out which pods a Service that exists belongs to"},
			Permission{Verb: "patch", Resource: "services", Why: "keep a Service that a pod begins to use"},
			Permission{Verb: "delete", Resource: "services", Why: "delete the Service of a pod that is gone"},
			Permission{Verb: "create", Resource: "namespaces", Why: "create a namespace that does not exist"},
			Permission{Verb: "get", Resource: "namespaces", Optional: true,
				Why: "find out whether the plugin created a namespace that exists; without it, the site did"})
	}
	return permissions
}

// TunnelPermissions lists the additional permissions for the TCP tunnels of pods,
// in the namespaces of the pods. The permissions for Helm are in plugin/tunnel. If the plugin
// creates namespaces, [RequiredPermissions] has all of them.
func TunnelPermissions(namespace string) []Permission {
	if namespace == "" {
		return nil
	}
	return []Permission{
		{Verb: "create", Resource: "services", Namespace: namespace, Why: "connect a tunnel to the pod"},
		{Verb: "get", Resource: "services", Namespace: namespace, Why: "find out which pod owns a Service that exists"},
		{Verb: "delete", Resource: "services", Namespace: namespace, Why: "delete the Service of a pod that is gone"},
	}
}

// OrphanPermissions lists the additional permissions of the search for orphans. All are
// optional: what may not be listed is not searched. tunnels says whether the plugin exposes
// TCP ports.
func OrphanPermissions(namespace, leaseNamespace string, tunnels bool) []Permission {
	const orphans, lease = "find orphans among these objects", "search for orphans with one replica at a time; without it, none searches"
	permissions := []Permission{
		{Verb: "list", Resource: "secrets", Namespace: namespace, Why: orphans},
		{Verb: "list", Resource: "persistentvolumeclaims", Namespace: namespace, Why: orphans},
	}
	if tunnels {
		permissions = append(permissions, Permission{Verb: "list", Resource: "services", Namespace: namespace, Why: orphans})
	}
	if namespace == "" {
		permissions = append(permissions, Permission{Verb: "list", Resource: "namespaces", Why: "report empty namespaces that the plugin made"})
	}
	for _, verb := range []string{"get", "create", "update"} {
		permissions = append(permissions, Permission{Verb: verb, Group: "coordination.k8s.io", Resource: "leases", Namespace: leaseNamespace, Why: lease})
	}
	for i := range permissions {
		permissions[i].Optional = true
	}
	return permissions
}

// CapacityPermissions lists the additional permissions for what the ping says of resources: of nodes, or else of
// the quotas in a namespace. All are optional: without them, the ping says nothing of resources.
func CapacityPermissions(namespace string, nodes bool) []Permission {
	if !nodes { // RequiredPermissions has the others
		return []Permission{{Verb: "list", Resource: "resourcequotas", Namespace: namespace, Optional: true, Why: "report what quotas permit"}}
	}
	permissions := []Permission{
		{Verb: "list", Resource: "nodes", Optional: true, Why: "report what the nodes offer"},
		{Verb: "watch", Resource: "nodes", Optional: true, Why: "report what the nodes offer"},
	}
	if namespace != "" {
		permissions = append(permissions,
			Permission{Verb: "list", Resource: "pods", Optional: true, Why: "report what other pods leave of it"},
			Permission{Verb: "watch", Resource: "pods", Optional: true, Why: "report what other pods leave of it"})
	}
	return permissions
}

// LedgerPermissions lists the additional permissions for the ledger of used resources, if it is in a
// namespace of its own; elsewhere [RequiredPermissions] has them. All are optional.
func LedgerPermissions(namespace, leaseNamespace string) []Permission {
	if namespace == "" || namespace == leaseNamespace {
		return nil
	}
	var permissions []Permission
	for _, verb := range []string{"get", "create", "patch"} {
		permissions = append(permissions, Permission{
			Verb: verb, Resource: "configmaps", Namespace: leaseNamespace, Optional: true,
			Why: "store the used resources; without it, they are counted in memory",
		})
	}
	return permissions
}

// Reviewer asks the remote API server for its version and for the permissions of
// the plugin's account.
type Reviewer struct{ client kubernetes.Interface }

// NewReviewer returns a Reviewer for the account of a client.
func NewReviewer(client kubernetes.Interface) Reviewer { return Reviewer{client: client} }

// Allowed reports whether the account has a permission. The string is the reason,
// if the API server gives one.
func (r Reviewer) Allowed(ctx context.Context, permission Permission) (bool, string, error) {
	resource, subresource, _ := strings.Cut(permission.Resource, "/")
	review, err := r.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: permission.Namespace, Verb: permission.Verb, Group: permission.Group, Resource: resource, Subresource: subresource, Name: permission.Name,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, "", wrap(err, "check the permission to", permission.String())
	}
	return review.Status.Allowed, review.Status.Reason, nil
}

// Version returns the version and the platform of the remote API server.
func (r Reviewer) Version(ctx context.Context) (string, error) {
	answer, err := r.client.Discovery().RESTClient().Get().AbsPath("/version").
		SetHeader("Accept", "application/json").Do(ctx).Raw()
	if err != nil {
		return "", wrap(err, "get the version of", "the remote API server")
	}
	var info version.Info
	if err := json.Unmarshal(answer, &info); err != nil {
		return "", errdefs.New(errdefs.Unavailable, "get the version of the remote API server: the answer is not a Kubernetes version: %w", err)
	}
	return fmt.Sprintf("%s (%s)", info.GitVersion, info.Platform), nil
}
