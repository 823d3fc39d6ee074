package claimrules

import (
	"regexp"
	"strings"
)

// namesNothing reports whether a rule is about claims of any name: such a rule says nothing
// about one claim of the site.
func (r *Rule) namesNothing() bool { return len(r.Claims) == 0 && r.remote() == claimPlaceholder }

// gives reports whether a rule gives pods a remote claim that the site has created, and
// whether it gives it to pods of this namespace. claim is the name of their local claim.
func (r *Rule) gives(remote, namespace string) (claim string, named, toNamespace bool) {
	if r.Create != nil || r.namesNothing() {
		return "", false, false
	}
	if matches(r.Namespaces, namespace) {
		if claim, ok := r.localClaim(remote, namespace); ok {
			return claim, true, true
		}
	}
	return "", r.names(remote), false
}

// localClaim returns the name of the local claim for which pods of a namespace get a remote
// claim. It is the remote name if the remote name does not show it.
func (r *Rule) localClaim(remote, namespace string) (claim string, ok bool) {
	found := expression(strings.ReplaceAll(r.remote(), namespacePlaceholder, namespace)).FindStringSubmatch(remote)
	switch {
	case found == nil:
		return "", false
	case !strings.Contains(r.remote(), claimPlaceholder):
		return remote, true
	}
	return found[1], matches(r.Claims, found[1])
}

// names reports whether pods of some namespace get a remote claim. Where the name can be read
// in several ways, it reports true.
func (r *Rule) names(remote string) bool {
	found := expression(r.remote()).FindStringSubmatch(remote)
	switch {
	case found == nil:
		return false
	case len(found) > 2 || len(found) == 1:
		return true
	case strings.Contains(r.remote(), claimPlaceholder):
		return matches(r.Claims, found[1])
	}
	return matches(r.Namespaces, found[1])
}

// expression matches the names that a name with placeholders can be. It captures what stands
// for them.
func expression(name string) *regexp.Regexp {
	text := strings.NewReplacer(
		regexp.QuoteMeta(namespacePlaceholder), `([a-z0-9-]+)`, regexp.QuoteMeta(claimPlaceholder), `([a-z0-9.-]+)`,
	).Replace(regexp.QuoteMeta(name))
	return regexp.MustCompile("^" + text + "$")
}
