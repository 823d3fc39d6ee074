package engine

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// filters are the programs of the packet filter. tables are its tables that an engine
// changes.
var (
	filters = []string{"iptables", "ip6tables"}
	tables  = []string{"filter", "nat"}
)

// rulesFile returns the file with the rules of a table before the engine started.
func rulesFile(program, table string) string {
	return filepath.Join(Folder, program+"-"+table)
}

// saveRules saves the rules of the packet filter, which an engine changes.
func saveRules(ctx context.Context) error {
	for _, program := range filters {
		for _, table := range tables {
			rules, err := exec.CommandContext(ctx, program, "-t", table, "-S").Output()
			if err != nil {
				continue // for example, a machine without IPv6
			}
			if err := os.WriteFile(rulesFile(program, table), rules, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// restoreRules deletes the rules that the engine left in the packet filter, and restores
// the policies that it changed.
func restoreRules(ctx context.Context) {
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
			for _, rule := range restoreCommands(string(before), string(after)) {
				// This fails for a chain that other rules use, which must not be deleted.
				_ = exec.CommandContext(ctx, program, append([]string{"-t", table}, rule...)...).Run()
			}
		}
	}
}

// restoreCommands returns the arguments of the commands that restore the rules of a table
// from before an engine, as iptables -S prints them: first policies and rules, then chains.
func restoreCommands(before, after string) (commands [][]string) {
	var chains [][]string
	original := strings.Split(before, "\n")
	for _, line := range original {
		if strings.HasPrefix(line, "-P ") && !slices.Contains(strings.Split(after, "\n"), line) {
			commands = append(commands, strings.Fields(line))
		}
	}
	for line := range strings.Lines(after) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.Fields(line)
		if len(words) < 2 || !strings.Contains(line, "DOCKER") || slices.Contains(original, line) {
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
