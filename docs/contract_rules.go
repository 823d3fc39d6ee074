package docs

import (
	_ "embed" // for the contract
	"regexp"
	"strings"
	"sync"
)

//go:embed contract.md
var contractText string

// Rule is a rule of the contract with InterLink (contract.md).
type Rule struct {
	// Number is what code and reports cite, such as CREATE-4.
	Number string
	// Text is plain text; code is between backticks.
	Text string
}

// Rules returns the rules in the order of the contract.
var Rules = sync.OnceValue(func() []Rule {
	var rules []Rule
	open := false // the next line may continue the last rule
	for line := range strings.Lines(contractText) {
		line = strings.TrimRight(line, "\n")
		if number := ruleStart.FindStringSubmatch(line); number != nil {
			open = strings.HasPrefix(line, "- ")
			text := line[len(number[0]):]
			if !open { // a row of a table: its cells after the number
				text = joinCells(text)
			}
			rules = append(rules, Rule{Number: number[1], Text: plain(text)})
			continue
		}
		if open = open && strings.HasPrefix(line, "  "); open {
			last := &rules[len(rules)-1]
			last.Text += " " + plain(line)
		}
	}
	return rules
})

// RuleText returns the text of a rule; "" if the contract does not have it.
func RuleText(number string) string {
	for _, rule := range Rules() {
		if rule.Number == number {
			return rule.Text
		}
	}
	return ""
}

var (
	ruleStart = regexp.MustCompile(`^(?:- |\| )<a id="[^"]+"></a>(?:\*\*)?([A-Z]+-\d+)(?:\*\*)?`)
	recording = regexp.MustCompile(`: (?:\[\d+\]\([^)]*\)(?:, )?)+`) // links of only a number
	linkText  = regexp.MustCompile(`\[([^\]]+)\]\([^)]*\)`)
	emphasis  = regexp.MustCompile("\\*([^*`\\s][^*`]*)\\*")
)

// joinCells returns the cells of the rest of a row: what a plugin answers, what the user
// then sees, and how it is known.
func joinCells(row string) string {
	cells := strings.Split(strings.Trim(row, " |"), " | ")
	if len(cells) != 3 {
		return strings.Join(cells, ": ")
	}
	return "(" + cells[2] + ") " + cells[0] + ": " + cells[1]
}

// plain removes the marks of Markdown for links and emphasis.
func plain(text string) string {
	text = linkText.ReplaceAllString(recording.ReplaceAllString(text, ""), "$1")
	return strings.TrimSpace(emphasis.ReplaceAllString(strings.ReplaceAll(text, "**", ""), "$1"))
}
