package claimrules

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Rules are the rules of a site, in the order of the file: the first that matches a claim
// decides.
type Rules []Rule

// Rule says what becomes of the claims that it matches. Without patterns of one kind, it
// matches all names of that kind.
type Rule struct {
	// Namespaces, Claims and Volumes are patterns of local namespaces, of the names of local
	// claims, and of the names of the volumes of the pod that mount them.
	Namespaces []string `json:"namespaces,omitempty"`
	Claims     []string `json:"claims,omitempty"`
	Volumes    []string `json:"volumes,omitempty"`
	// Remote is the name of the remote claim, in which placeholders may be; empty: that of
	// the local claim.
	Remote string `json:"remote,omitempty"`
	// Create says how the plugin creates the remote claim if it does not exist; nil: the site
	// creates it.
	Create *Template `json:"create,omitempty"`
	// ReadOnly makes each mount of the claim read-only.
	ReadOnly bool `json:"readOnly,omitempty"`
	// SubPath is the only part of the claim that pods see, in which placeholders may be.
	SubPath string `json:"subPath,omitempty"`
	// UserSubPaths permits mounts of folders below SubPath. Those who can write there could lead
	// such a mount out of it with a symbolic link: the kubelet follows links within a volume.
	UserSubPaths bool `json:"userSubPaths,omitempty"`
}

// The placeholders of Remote and SubPath.
const (
	namespacePlaceholder = "{namespace}"
	claimPlaceholder     = "{claim}"
)

// Use is how a pod uses a remote claim.
type Use struct {
	// Remote is the name of the claim, and Create says how to create it; nil: it must exist.
	Remote string
	Create *Template
	Limits
}

// Limits are what the site permits with a claim.
type Limits struct {
	ReadOnly     bool
	SubPath      string
	UserSubPaths bool
}

// Find returns how a pod uses the remote counterpart of a claim, and whether a rule matches
// the claim. volume is the name of the pod's volume.
func (r Rules) Find(namespace, claim, volume string) (use Use, found bool, err error) {
	at := slices.IndexFunc(r, func(rule Rule) bool {
		return matches(rule.Namespaces, namespace) && matches(rule.Claims, claim) && matches(rule.Volumes, volume)
	})
	if at < 0 {
		return Use{}, false, nil
	}
	rule := r[at]
	if err := checkNames(namespace, claim); err != nil {
		return Use{}, true, err
	}
	use = Use{Remote: replace(rule.remote(), namespace, claim), Create: rule.Create, Limits: rule.limits(namespace, claim)}
	if wrong := validation.IsDNS1123Subdomain(use.Remote); len(wrong) > 0 {
		return Use{}, true, fmt.Errorf("rule %d of [offloading] claims gives claim %s the name %q, which is not valid: %s", at+1, claim, use.Remote, strings.Join(wrong, "; "))
	}
	if rule.usesLocalName() { // the user may have chosen the name of a claim that other rules limit
		use.Limits = use.with(r.Limits(namespace, use.Remote))
	}
	return use, true, nil
}

// Limits returns the limits of a remote claim that a pod of a namespace does not get by a
// rule that says its name: by an annotation, or by the name of the local claim. Of a claim that
// rules give to the same pods, these get no more in another way. The rule that names the claim
// most firmly decides; of several, the first.
func (r Rules) Limits(namespace, remote string) (limits Limits) {
	var firmest naming
	for _, rule := range r {
		if claim, firmly := rule.gives(remote, namespace); firmly > firmest {
			firmest, limits = firmly, rule.limits(namespace, claim)
		}
	}
	return limits
}

// NotOfSite says why pods of a namespace must not use a remote claim that the site has
// created: because rules give it to pods of other namespaces only. It is empty if they may. In
// a remote namespace that is not shared, a name that depends on the local name is that of
// another claim.
func (r Rules) NotOfSite(namespace, remote string, shared bool) string {
	var given, named naming
	for _, rule := range r {
		_, firmly := rule.gives(remote, namespace)
		given = max(given, firmly)
		if shared || !rule.usesLocalName() {
			named = max(named, rule.names(remote))
		}
	}
	if named <= byAny || given >= named {
		return ""
	}
	return fmt.Sprintf("the site gives claim %s to pods of other namespaces ([offloading] claims)", remote)
}

// remote returns the name of the remote claim, with placeholders.
func (r *Rule) remote() string { return cmp.Or(r.Remote, claimPlaceholder) }

func (r *Rule) limits(namespace, claim string) Limits {
	return Limits{ReadOnly: r.ReadOnly, SubPath: replace(r.SubPath, namespace, claim), UserSubPaths: r.UserSubPaths}
}

// with adds other limits.
func (l Limits) with(other Limits) Limits {
	l.ReadOnly = l.ReadOnly || other.ReadOnly
	if other.SubPath != "" {
		l.SubPath, l.UserSubPaths = other.SubPath, other.UserSubPaths
	}
	return l
}

// matches reports whether a name matches one of the patterns. Without patterns, every name
// does.
func matches(patterns []string, name string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(pattern string) bool {
		matches, err := path.Match(pattern, name)
		return err == nil && matches
	})
}

// checkNames keeps names that the local API server would not accept out of paths.
func checkNames(namespace, claim string) error {
	if len(validation.IsDNS1123Label(namespace)) > 0 {
		return fmt.Errorf("namespace %q is not a valid name", namespace)
	}
	if len(validation.IsDNS1123Subdomain(claim)) > 0 {
		return fmt.Errorf("claim %q is not a valid name", claim)
	}
	return nil
}

func replace(text, namespace, claim string) string {
	return strings.NewReplacer(namespacePlaceholder, namespace, claimPlaceholder, claim).Replace(text)
}
