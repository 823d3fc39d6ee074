package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// Account returns the name of the account as the remote API server knows it. The error has kind
// Refused if the API server does not know the credentials.
func (r Reviewer) Account(ctx context.Context) (string, error) {
	review, err := r.client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", wrap(err, "find out", "the name of the account")
	}
	if name := review.Status.UserInfo.Username; name != "" && name != anonymous {
		return name, nil
	}
	return "", errdefs.New(errdefs.Refused, "find out the name of the account: the API server does not know the credentials")
}

// Grant is a role with permissions in one namespace (or in all), and its binding to an account.
type Grant struct {
	// Namespace is empty for all namespaces.
	Namespace   string
	Permissions []Permission
	// Role is a Role or a ClusterRole, and Binding binds it to the account.
	Role, Binding any
}

// Grants returns the roles that give permissions to an account, one for each namespace. Their names
// are made from their content: a role for other permissions, or another account, never replaces one
// that was applied before.
func Grants(permissions []Permission, account string) []Grant {
	var grants []Grant
	for _, p := range permissions {
		at := slices.IndexFunc(grants, func(g Grant) bool { return g.Namespace == p.Namespace })
		if at < 0 {
			at, grants = len(grants), append(grants, Grant{Namespace: p.Namespace})
		}
		grants[at].Permissions = append(grants[at].Permissions, p)
	}
	for i := range grants {
		grants[i].build(account)
	}
	return grants
}

// build makes the role and the binding.
func (g *Grant) build(account string) {
	rules := rulesOf(g.Permissions)
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %v", account, g.Namespace, rules))
	meta := metav1.ObjectMeta{
		Name: fmt.Sprintf("interlink-kubernetes-plugin-%x", sum[:4]), Namespace: g.Namespace,
		Labels: map[string]string{"app.kubernetes.io/name": "interlink-kubernetes-plugin"},
	}
	kind := func(name string) metav1.TypeMeta {
		return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: name}
	}
	reference := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name}
	if g.Namespace != "" {
		g.Role = &rbacv1.Role{TypeMeta: kind("Role"), ObjectMeta: meta, Rules: rules}
		g.Binding = &rbacv1.RoleBinding{TypeMeta: kind("RoleBinding"), ObjectMeta: meta, RoleRef: reference, Subjects: subjectsOf(account)}
		return
	}
	reference.Kind = "ClusterRole"
	g.Role = &rbacv1.ClusterRole{TypeMeta: kind("ClusterRole"), ObjectMeta: meta, Rules: rules}
	g.Binding = &rbacv1.ClusterRoleBinding{TypeMeta: kind("ClusterRoleBinding"), ObjectMeta: meta, RoleRef: reference, Subjects: subjectsOf(account)}
}

// rulesOf returns the rules for permissions, with the verbs for one resource in one rule.
func rulesOf(permissions []Permission) []rbacv1.PolicyRule {
	var rules []rbacv1.PolicyRule
	for _, p := range permissions {
		rule := rbacv1.PolicyRule{APIGroups: []string{p.Group}, Resources: []string{p.Resource}, Verbs: []string{p.Verb}}
		if p.Name != "" {
			rule.ResourceNames = []string{p.Name}
		}
		at := slices.IndexFunc(rules, func(other rbacv1.PolicyRule) bool {
			return slices.Equal(other.APIGroups, rule.APIGroups) && slices.Equal(other.Resources, rule.Resources) && slices.Equal(other.ResourceNames, rule.ResourceNames)
		})
		switch {
		case at < 0:
			rules = append(rules, rule)
		case !slices.Contains(rules[at].Verbs, p.Verb):
			rules[at].Verbs = append(rules[at].Verbs, p.Verb)
		}
	}
	return rules
}

// subjectsOf returns an account as RBAC names it. The API server calls a service account
// system:serviceaccount:<namespace>:<name>.
func subjectsOf(account string) []rbacv1.Subject {
	if rest, ok := strings.CutPrefix(account, "system:serviceaccount:"); ok {
		if namespace, name, ok := strings.Cut(rest, ":"); ok {
			return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}}
		}
	}
	return []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: account}}
}
