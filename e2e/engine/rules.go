package engine

import (
	"context"
	"os/exec"
	"strings"
)

// dropRules takes away the packet filter's chains that an engine leaves when it
// ends, with the rules that lead to them. The policy of FORWARD, which an engine
// sets to DROP, is Docker's to keep where another engine runs; there is none here.
func dropRules(ctx context.Context) {
	for _, program := range []string{"iptables", "ip6tables"} {
		for _, table := range []string{"filter", "nat"} {
			saved, err := exec.CommandContext(ctx, program, "-t", table, "-S").Output()
			if err != nil {
				continue // no such table, or no such program: nothing to take away
			}
			for _, rule := range undo(string(saved)) {
				// What another one holds stays.
				_ = exec.CommandContext(ctx, program, append([]string{"-t", table}, rule...)...).Run()
			}
		}
	}
}

// undo turns the rules of a table, as iptables -S prints them, into the commands
// that take away what is Docker's: first rules, then chains.
func undo(saved string) (commands [][]string) {
	var chains [][]string
	for line := range strings.Lines(saved) {
		words := strings.Fields(line)
		if len(words) < 2 || !strings.Contains(line, "DOCKER") {
			continue
		}
		switch words[0] {
		case "-A":
			commands = append(commands, append([]string{"-D"}, words[1:]...))
		case "-N":
			chains = append(chains, []string{"-X", words[1]})
		}
	}
	return append(commands, chains...)
}
