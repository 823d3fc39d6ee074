package claimrules

import (
	"regexp"
	"slices"
	"strings"
)

// naming is how firmly a rule names a remote claim. The claim of a firmer rule is not opened by
// a weaker one, whose remote name is what the user writes into the pod.
type naming int

const (
	notNamed  naming = iota
	byAny            // the rule is about each claim, with claims: ["*"]: it says nothing about one of the site
	byPattern        // the user chooses the name, within a pattern
	byName           // the rule says the name
)

// namesNothing reports whether a rule is about claims of any name, because it does not name any:
// such a rule has no limits.
func (r *Rule) namesNothing() bool { return len(r.Claims) == 0 && r.remote() == claimPlaceholder }

// usesLocalName reports whether the remote name depends on the name of the local claim, which
// the user chooses.
func (r *Rule) usesLocalName() bool { return strings.Contains(r.remote(), claimPlaceholder) }

func (r *Rule) naming(claim string) naming {
	switch {
	case !r.usesLocalName() || slices.Contains(r.Claims, claim):
		return byName
	case r.remote() == claimPlaceholder && slices.Contains(r.Claims, "*"):
		return byAny
	}
	return byPattern
}

// gives returns whether a rule gives pods of a namespace a remote claim, and how firmly it
// names it. claim is the name of their local claim: the remote name if that does not show it.
func (r *Rule) gives(remote, namespace string) (claim string, firmly naming) {
	if r.namesNothing() || !matches(r.Namespaces, namespace) {
		return "", notNamed
	}
	found := expression(strings.ReplaceAll(r.remote(), namespacePlaceholder, namespace)).FindStringSubmatch(remote)
	switch {
	case found == nil:
		return "", notNamed
	case !r.usesLocalName():
		return remote, byName
	case !matches(r.Claims, found[1]):
		return "", notNamed
	}
	return found[1], r.naming(found[1])
}

// names returns whether pods of some namespace get a remote claim by a rule.
func (r *Rule) names(remote string) naming {
	values, ok := r.values(r.remote(), remote)
	if !ok || r.namesNothing() {
		return notNamed
	}
	return r.naming(values[claimPlaceholder])
}

// values returns what the placeholders of a text of the rule stand for in a value. ok is false
// if the text does not become the value for a namespace and a claim that the rule is about.
func (r *Rule) values(text, value string) (values map[string]string, ok bool) {
	found := expression(text).FindStringSubmatch(value)
	if found == nil {
		return nil, false
	}
	values = map[string]string{}
	for i, name := range placeholder.FindAllString(text, -1) {
		patterns := r.Namespaces
		if name == claimPlaceholder {
			patterns = r.Claims
		}
		if !matches(patterns, found[i+1]) {
			return nil, false
		}
		values[name] = found[i+1]
	}
	return values, true
}

// expression matches the values that a text with placeholders can have. It captures what is in
// their place. Since [Parse] refuses ambiguous texts, there is one way to read a value.
func expression(text string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.NewReplacer(
		regexp.QuoteMeta(namespacePlaceholder), `([a-z0-9-]+)`, regexp.QuoteMeta(claimPlaceholder), `([a-z0-9.-]+)`,
	).Replace(regexp.QuoteMeta(text)) + "$")
}
