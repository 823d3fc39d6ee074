package main

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/interlink-hq/interlink-kubernetes-plugin/docs"
)

const rulesUsage = `interlink-sim rules [RULE...]

Prints the rules of InterLink's contract with plugins (docs/contract.md) that the report of a replay cites: all, or those
with a number (CREATE-4) or of a group (CREATE).

`

func rulesCommand(s streams) command {
	return command{
		usage: rulesUsage,
		flags: func(*pflag.FlagSet) {},
		run: func(_ context.Context, args []string) error {
			var text strings.Builder
			for _, arg := range args {
				found := false
				for _, rule := range docs.Rules() {
					found = found || isRule(rule, arg)
				}
				if !found {
					return invalidf("the contract has no rule %s", arg)
				}
			}
			for _, rule := range docs.Rules() {
				wanted := len(args) == 0
				for _, arg := range args {
					wanted = wanted || isRule(rule, arg)
				}
				if wanted {
					text.WriteString(wrap(rule.Number, rule.Text))
				}
			}
			_, err := io.WriteString(s.out, text.String())
			return err
		},
	}
}

// isRule reports whether an argument is a rule's number or group.
func isRule(rule docs.Rule, arg string) bool {
	group, _, _ := strings.Cut(rule.Number, "-")
	arg = strings.ToUpper(arg)
	return arg == rule.Number || arg == group
}

// wrap returns a rule in lines of at most 120 bytes, indented after its number.
func wrap(number, text string) string {
	const indent, width = "           ", 120
	out, line := "", number+strings.Repeat(" ", max(1, len(indent)-len(number)))
	for _, word := range strings.Fields(text) {
		if len(line)+len(word) > width && line != indent {
			out, line = out+strings.TrimRight(line, " ")+"\n", indent
		}
		line += word + " "
	}
	return out + strings.TrimRight(line, " ") + "\n"
}
