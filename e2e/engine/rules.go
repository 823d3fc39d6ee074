package engine

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// filters are the programs of the packet filter.
var filters = []string{"iptables", "ip6tables"}

// keepPolicies notes what the packet filter does with what it forwards, which an
// engine changes.
func keepPolicies(ctx context.Context) error {
	for _, program := range filters {
		rules, err := exec.CommandContext(ctx, program, "-S", "FORWARD").Output()
		if err != nil {
			continue // no IPv6, say
		}
		policy, _, _ := strings.Cut(string(rules), "\n")
		if err := os.WriteFile(filepath.Join(Folder, program), []byte(policy), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// dropRules takes away the packet filter's chains that an engine leaves when it
// ends, with the rules that lead to them, and puts back the policies.
func dropRules(ctx context.Context) {
	for _, program := range filters {
		if policy, err := os.ReadFile(filepath.Join(Folder, program)); err == nil && strings.HasPrefix(string(policy), "-P ") {
			_ = exec.CommandContext(ctx, program, strings.Fields(string(policy))...).Run()
		}
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
