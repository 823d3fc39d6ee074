package faultproxy

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Rule says which calls fail, and how.
type Rule struct {
	// Verb is the verb of the calls; "*" is every verb but [List] and [Watch].
	Verb string
	// Resource is the resource of the calls, or resource/subresource; "*" is every
	// resource.
	Resource string
	// Namespace, if not empty, is the namespace of the calls (see [Call.IsIn]).
	Namespace string
	// First and Last are numbers of matching calls, counted from 1, that fail. A zero
	// First means 1, a zero Last no end.
	First, Last int
	Fault       Fault
	// Hook, if not nil, is called for each call that fails: after the API server has
	// carried it out, if it does, and before the client gets anything.
	Hook func(Call)
}

var ruleForm = regexp.MustCompile(`^\s*(\S+)\s+(\S+?)(?:\s+in\s+(\S+?))?(?:\s+#(\d+)(-(\d*))?)?\s*:\s*(\S+)\s*$`)

// verbs are the verbs that a rule can name.
var verbs = []string{"*", http.MethodGet, List, Watch, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// ParseRule reads a rule, VERB RESOURCE [in NAMESPACE] [#N|#N-M|#N-]: FAULT. Without a
// number, all matching calls fail.
func ParseRule(text string) (Rule, error) {
	found := ruleForm.FindStringSubmatch(text)
	if found == nil {
		return Rule{}, fmt.Errorf("%q does not have the form VERB RESOURCE [in NAMESPACE] [#N|#N-M|#N-]: FAULT, for example: POST pods #2: 503", text)
	}
	rule := Rule{Verb: strings.ToUpper(found[1]), Resource: found[2], Namespace: found[3]}
	var err error
	if rule.Fault, err = FaultByName(found[7]); err != nil {
		return Rule{}, err
	}
	if !slices.Contains(verbs, rule.Verb) {
		return Rule{}, fmt.Errorf("%q: there is no verb %s; the verbs are %s", text, rule.Verb, strings.Join(verbs, ", "))
	}
	for i, into := range map[int]*int{4: &rule.First, 6: &rule.Last} {
		if found[i] == "" {
			continue
		}
		if *into, err = strconv.Atoi(found[i]); err != nil || *into < 1 {
			return Rule{}, fmt.Errorf("%q: %s is not the number of a call", text, found[i])
		}
	}
	if found[5] == "" { // #N alone
		rule.Last = rule.First
	}
	if rule.Last != 0 && rule.Last < rule.First {
		return Rule{}, fmt.Errorf("%q: %d comes before %d", text, rule.Last, rule.First)
	}
	return rule, nil
}

// String returns the rule in the form that [ParseRule] reads.
func (r Rule) String() string {
	text := r.Verb + " " + r.Resource
	if r.Namespace != "" {
		text += " in " + r.Namespace
	}
	switch first := cmp.Or(r.First, 1); {
	case r.Last == first:
		text += fmt.Sprintf(" #%d", first)
	case r.Last != 0:
		text += fmt.Sprintf(" #%d-%d", first, r.Last)
	case first > 1:
		text += fmt.Sprintf(" #%d-", first)
	}
	return text + ": " + r.Fault.Name
}

// matches reports whether the rule is about a call.
func (r Rule) matches(c Call) bool {
	resource := c.Resource
	if c.Subresource != "" {
		resource += "/" + c.Subresource
	}
	switch {
	case r.Verb == "*" && (c.Verb == List || c.Verb == Watch), r.Verb != "*" && r.Verb != c.Verb:
		return false
	case r.Resource != "*" && r.Resource != resource:
		return false
	}
	return r.Namespace == "" || c.IsIn(r.Namespace)
}

// has reports whether the n-th matching call fails.
func (r Rule) has(n int) bool { return n >= r.First && (r.Last == 0 || n <= r.Last) }
