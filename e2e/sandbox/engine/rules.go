package engine

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// filters are the programs of the packet filter, and tables those of its tables
// that an engine writes to.
var (
	filters = []string{"iptables", "ip6tables"}
	tables  = []string{"filter", "nat"}
)

// rulesFile keeps the rules of a table as they were before the engine started.
func rulesFile(program, table string) string {
	return filepath.Join(Folder, program+"-"+table)
}

// keepRules notes the packet filter's rules, which an engine changes.
func keepRules(ctx context.Context) error {
	for _, program := range filters {
		for _, table := range tables {
			rules, err := exec.CommandContext(ctx, program, "-t", table, "-S").Output()
			if err != nil {
				continue // no IPv6, say
			}
			if err := os.WriteFile(rulesFile(program, table), rules, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropRules takes away what the engine has left in the packet filter, and puts
// back the policies that it has changed.
func dropRules(ctx context.Context) {
	for _, program := range filters {
		for _, table := range tables {
			before, err := os.ReadFile(rulesFile(program, table))
			if err != nil {
				continue
			}
			after, err := exec.CommandContext(ctx, program, "-t", table, "-S").Output()
			if err != nil {
				continue
			}
			for _, rule := range undo(string(before), string(after)) {
				// What another one holds stays.
				_ = exec.CommandContext(ctx, program, append([]string{"-t", table}, rule...)...).Run()
			}
		}
	}
}

// undo returns the commands that make of the rules of a table, as iptables -S
// prints them, what they were before an engine: first policies and rules, then chains.
func undo(before, after string) (commands [][]string) {
	var chains [][]string
	was := strings.Split(before, "\n")
	for _, line := range was {
		if strings.HasPrefix(line, "-P ") && !slices.Contains(strings.Split(after, "\n"), line) {
			commands = append(commands, strings.Fields(line))
		}
	}
	for line := range strings.Lines(after) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.Fields(line)
		if len(words) < 2 || !strings.Contains(line, "DOCKER") || slices.Contains(was, line) {
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
