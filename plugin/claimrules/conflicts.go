package claimrules

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// ambiguous says why a text with placeholders could become the same name for two pairs of a
// namespace and a claim, or "". Both kinds of names can have hyphens; a namespace has no dot.
func ambiguous(text string) string {
	for part := range strings.SplitSeq(text, "/") {
		found := placeholder.FindAllStringIndex(part, -1)
		if !strings.Contains(part, namespacePlaceholder) || !strings.Contains(part, claimPlaceholder) {
			continue
		}
		if len(found) != 2 || !strings.Contains(part[found[0][1]:found[1][0]], ".") {
			return fmt.Sprintf("%q would be the same for namespace a with claim b-c and namespace a-b with claim c: write each placeholder once, and a dot between them", part)
		}
	}
	return ""
}

// nested returns the problems of rules that give folders of one claim, one inside the other.
// Pods that can write into the outer folder could replace the inner one by a symbolic link to
// any folder of the claim. A rule without a subPath gives the whole claim: nothing is beyond it.
func (r Rules) nested() []error {
	var problems []error
	for i := range r {
		for j := range r {
			outer, inner := &r[i], &r[j]
			if outer.SubPath != "" && !outer.ReadOnly && outer.sharesClaim(inner) && outer.contains(inner) {
				problems = append(problems, fmt.Errorf(
					"rules %d and %d: the folder %q of a claim could be inside %q, and pods that write there could lead it elsewhere with a symbolic link: use folders beside each other",
					i+1, j+1, inner.SubPath, outer.SubPath))
			}
		}
	}
	return problems
}

// sharesClaim reports whether two rules can lead to one remote claim. A rule with a pattern of
// local names gives no other folder than one that says the name of the claim ([Rules.Find]).
func (r *Rule) sharesClaim(other *Rule) bool {
	switch {
	case r.usesLocalName() && other.usesLocalName():
		return r.remote() == other.remote() && overlap(r.Claims, other.Claims)
	case other.usesLocalName():
		return other.sharesClaim(r)
	case r.usesLocalName():
		return slices.ContainsFunc(r.Claims, func(claim string) bool {
			_, ok := other.values(other.remote(), strings.ReplaceAll(r.remote(), claimPlaceholder, claim))
			return ok
		})
	}
	return r.remote() == other.remote() || r.meets(r.remote(), other, other.remote(), false)
}

// contains reports whether the folder of another rule can be inside that of this one.
func (r *Rule) contains(other *Rule) bool {
	outer, inner := strings.Split(r.SubPath, "/"), strings.Split(other.SubPath, "/")
	if len(outer) >= len(inner) {
		return false
	}
	for i, part := range outer {
		if !r.meets(part, other, inner[i], true) {
			return false
		}
	}
	return true
}

// meets reports whether two texts can have one value. Where both have placeholders, the answer
// is unknown.
func (r *Rule) meets(text string, other *Rule, otherText string, unknown bool) bool {
	ok := unknown
	switch {
	case !placeholder.MatchString(otherText):
		_, ok = r.values(text, otherText)
	case !placeholder.MatchString(text):
		_, ok = other.values(otherText, text)
	}
	return ok
}

// overlap reports whether a name can match two lists of patterns, as far as the patterns show
// it: one is the other, or matches it.
func overlap(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(p string) bool {
		return slices.ContainsFunc(b, func(q string) bool {
			one, _ := path.Match(p, q)
			two, _ := path.Match(q, p)
			return p == q || one || two
		})
	})
}
