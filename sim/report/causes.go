package report

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Cause is one difference that several scenarios may have.
type Cause struct {
	Rule string `json:"rule,omitempty"`
	// Text, Consequence and Right are those of the first scenario. The texts of the others
	// differ only in names, numbers and quoted text.
	Text        string `json:"text"`
	Consequence string `json:"consequence,omitempty"`
	Right       string `json:"right,omitempty"`
	// Scenarios are the names of the failed scenarios that have it.
	Scenarios []string `json:"scenarios"`
}

// Causes groups the differences of all failed scenarios; the cause of most failures
// comes first.
func (r *Report) Causes() []Cause {
	var causes []Cause
	at := map[string]int{}
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		if s.Verdict != Failed {
			continue
		}
		for _, d := range s.Differences {
			key := d.Rule + ": " + s.withoutNames(d.Text)
			n, known := at[key]
			if !known {
				n = len(causes)
				at[key] = n
				causes = append(causes, Cause{Rule: d.Rule, Text: d.Text, Consequence: d.Consequence, Right: d.Right})
			}
			if c := &causes[n]; !slices.Contains(c.Scenarios, s.Name) {
				c.Scenarios = append(c.Scenarios, s.Name)
			}
		}
	}
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Compare(len(b.Scenarios), len(a.Scenarios)) })
	return causes
}

// CauseLine returns the failures and their causes as one line; "" if nothing failed.
func (r *Report) CauseLine() string {
	if n := r.Count(Failed); n > 0 {
		return plural(n, "failure") + ", " + plural(len(r.Causes()), "cause")
	}
	return ""
}

var (
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	// named matches the name of an object after its kind.
	named = regexp.MustCompile(`\b((?:container|variable|file|claim|Secret|ConfigMap|Service) )[^\s",]+`)
	// quotedLines are several lines of a log, and whichLog is its number and container.
	quotedLines = regexp.MustCompile(`""(?:, "")+`)
	whichLog    = regexp.MustCompile(`^log \d+ of pod \S+ \([^,)]+`)
	uid         = regexp.MustCompile(`\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)
	// times matches what is only about when it happened, and how often.
	times = regexp.MustCompile(`^at [0-9][^\s:]*(?:, [^:]*)?: | \(and \d+ more times?\)$`)
	// lostConnection are the ways in which a caller sees that a process ended.
	lostConnection = regexp.MustCompile(`the connection was (?:reset|refused|closed before the answer was complete \(EOF\)|closed while the request was sent)`)
	// number does not match the code of an answer: 404 and 500 have different causes.
	number = regexp.MustCompile(`(answered |[Ss]tatus (?:code:? )?|HTTP )?\d+`)
)

// withoutNames returns a text without what differs between scenarios with the same
// cause: the names of pods and containers, numbers, and quoted text.
func (s *Scenario) withoutNames(text string) string {
	text = lostConnection.ReplaceAllString(times.ReplaceAllString(text, ""), "the connection was closed")
	text = quotedLines.ReplaceAllString(quoted.ReplaceAllString(text, `""`), `""`)
	text = strings.ReplaceAll(text, "expected empty", `expected ""`)
	text = whichLog.ReplaceAllString(text, "log 0 of pod * (*")
	text = uid.ReplaceAllString(text, "*")
	names := []string{s.Name}
	for i := range s.Pods {
		_, short, _ := strings.Cut(s.Pods[i].Name, "/")
		names = append(names, s.Pods[i].Name, short)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // a name can begin with another one
	words := strings.Fields(text)
	for i, word := range words {
		bare := strings.TrimRight(word, ",.:;)")
		// A short name, such as "a", can be any word; after its kind it is the name.
		if slices.Contains(names, bare) && bare != "" && (len(bare) > 3 || i > 0 && slices.Contains([]string{"pod", "of"}, words[i-1])) {
			words[i] = "*" + word[len(bare):]
		}
	}
	text = named.ReplaceAllString(strings.Join(words, " "), "$1*")
	return number.ReplaceAllStringFunc(text, func(found string) string {
		if found[0] >= '0' && found[0] <= '9' {
			return "0"
		}
		return found
	})
}
