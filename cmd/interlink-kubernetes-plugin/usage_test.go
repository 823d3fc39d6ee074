package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// Each mistake in a command is one line on standard error that says what to do, and exit code 2.
func TestMistakesInCommands(t *testing.T) {
	for line, want := range map[string]string{
		"chek":                                 `: "chek" is not a command; did you mean check?`,
		"Check":                                `did you mean check?`,
		"frobnicate":                           `the commands are interlink-kubernetes-plugin serve|check|`,
		"s3cr3t=s3cr3t":                        `: the value is not a command; the commands are `,
		"help frobnicate":                      `"frobnicate" is not a command; the commands are `,
		"help orphans lst":                     `"lst" is not a command; did you mean list?`,
		"--log-rich-enabled true":              `1 argument belongs to no flag; write a value as --flag=value`,
		"serve s3cr3t s3cr3t":                  ` serve: command line: 2 arguments belong to no flag`,
		"check s3cr3t":                         ` check: command line: 1 argument belongs to no flag`,
		"config":                               ` config: a command is missing: interlink-kubernetes-plugin config print|reference|sample`,
		"config show":                          `"show" is not a command; the commands are interlink-kubernetes-plugin config print|`,
		"config print s3cr3t":                  `1 argument belongs to no flag`,
		"config sample s3cr3t":                 `1 argument belongs to no flag`,
		"config reference --log-dir":           ` config reference: flag --log-dir: is not a flag of this program; --help lists them`,
		"orphans":                              ` orphans: a command is missing: interlink-kubernetes-plugin orphans list|delete`,
		"orphans lists":                        `"lists" is not a command; did you mean list?`,
		"orphans delete s3cr3t":                `1 argument belongs to no flag`,
		"version s3cr3t":                       `1 argument belongs to no flag`,
		"version -o xml":                       ` version: -o: "xml" is not a format of this command; the formats are text, json, yaml`,
		"config print -o s3cr3t=1":             `-o: the value is not a format of this command`,
		"config print --output":                `flag --output: requires a value`,
		"completion":                           `name one shell: interlink-kubernetes-plugin completion bash|zsh|fish|powershell`,
		"completion bash zsh":                  `name one shell`,
		"completion ksh":                       `"ksh" is not a shell that is known; the shells are bash, zsh, fish, powershell`,
		"pods -n":                              ` pods: flag -n: requires a value`,
		"help check lst":                       `"lst" is not a command: interlink-kubernetes-plugin check has none`,
		"--chek":                               `flag --chek: is not a flag of this program; did you mean --check`,
		"check -q":                             ` check: flag -q: is not a flag of this program; --help lists them`,
		"check --log-leve=s3cr3t":              `did you mean --log-level?`,
		"check --config /no/file":              `flag --config: cannot read the configuration file: open /no/file: no such file or directory`,
		"serve --config /no/file":              `open /no/file: no such file`,
		"orphans list --config /":              `flag --config: cannot read the configuration file: read /: is a directory`,
		"check --k8s-kubeconfig-path /no/file": `/no/file`,
		"check --log-level LOUD":               `[log] level (flag --log-level): "LOUD" must be DEBUG, INFO, WARNING, ERROR or CRITICAL`,
	} {
		t.Run(line, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), strings.Fields(line), nil, &stdout, &stderr); code != exitInvalid {
				t.Errorf("exit code %d, want %d", code, exitInvalid)
			}
			text := stderr.String()
			if !strings.HasPrefix(text, programName) || !strings.Contains(text, want) || strings.Count(text, "\n") != 1 || strings.Contains(text, "s3cr3t") {
				t.Errorf("standard error has not one line with %q:\n%s", want, text)
			}
			if stdout.Len() > 0 && !strings.HasPrefix(line, "config print") {
				t.Errorf("standard output has %s", &stdout)
			}
		})
	}
}

// Mistakes in flags and in the configuration are reported together by each command that reads it.
func TestMistakesAreReportedTogether(t *testing.T) {
	for _, command := range []string{"", "serve", "check", "config print", "orphans list"} {
		args := append(strings.Fields(command), "--no-such-flag", "--log-level=LOUD", "--other-flag=s3cr3t")
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, nil, &stdout, &stderr); code != exitInvalid {
			t.Errorf("%s: exit code %d", command, code)
		}
		for _, want := range []string{"--no-such-flag", "--other-flag", "[log] level"} {
			if strings.Count(stderr.String(), want+" ")+strings.Count(stderr.String(), want+":") != 1 {
				t.Errorf("%s: %s is not named once in\n%s", command, want, &stderr)
			}
		}
		if strings.Contains(stderr.String(), "s3cr3t") {
			t.Errorf("%s: %s", command, &stderr)
		}
	}
}

// Flags may stand before a command, and --help anywhere.
func TestFlagsBeforeACommand(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--log-level", "DEBUG", "config", "print"}, nil, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	if !regexp.MustCompile(`\[log\] level +flag --log-level +DEBUG`).Match(stdout.Bytes()) {
		t.Errorf("the flag is lost:\n%s", &stdout)
	}
	for _, args := range []string{"--help orphans list", "orphans --help list", "orphans list --help", "help orphans list", "orphans list -h"} {
		stdout.Reset()
		if code := run(t.Context(), strings.Fields(args), nil, &stdout, &stderr); code != 0 || !strings.Contains(stdout.String(), "orphans list [flags]") {
			t.Errorf("%s: exit code %d\n%s%s", args, code, &stdout, &stderr)
		}
	}
}

// allCommands returns the commands of the program.
func allCommands() (all []*cobra.Command) {
	p := &program{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	eachCommand(p.root(), func(command *cobra.Command) { all = append(all, command) })
	return all
}

// Each command says what it does, with an example that it would accept.
func TestEachCommandHasHelp(t *testing.T) {
	for _, command := range allCommands() {
		text := helpText(command, 0)
		for _, title := range []string{"\nUsage:\n", "\nExamples:\n", "\nFlags:\n"} {
			if !strings.Contains(text, title) {
				t.Errorf("%s: the help has no %q:\n%s", command.CommandPath(), title, text)
			}
		}
		if command.Short == "" || strings.HasSuffix(command.Short, ".") || !strings.HasSuffix(strings.TrimSpace(command.Long), ".") {
			t.Errorf("%s: %q, %q", command.CommandPath(), command.Short, command.Long)
		}
		command.Flags().VisitAll(func(flag *pflag.Flag) {
			if !strings.HasSuffix(flag.Usage, ".") {
				t.Errorf("%s --%s: %q is no sentence", command.CommandPath(), flag.Name, flag.Usage)
			}
		})
		calls := 0
		for line := range strings.Lines(command.Example) {
			_, rest, found := strings.Cut(line, programName+" ")
			if !found || strings.Contains(line, "bash_completion.d/") || strings.Contains(line, "fpath") || strings.Contains(line, "#") {
				continue
			}
			rest, _, _ = strings.Cut(rest, "|")
			rest, _, _ = strings.Cut(rest, ">")
			calls++
			found2, args, err := command.Root().Find(strings.Fields(strings.Trim(rest, " )\n")))
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if problems := config.ParseFlags(found2.Flags(), args); len(problems) > 0 {
				t.Errorf("%s: %v", line, problems)
			}
		}
		if calls == 0 {
			t.Errorf("%s: no example calls it", command.CommandPath())
		}
	}
}

// The help of the program has each command in a group, and each option in its section.
func TestHelpOfTheProgram(t *testing.T) {
	root := allCommands()[0]
	text := helpText(root, 0)
	for _, child := range root.Commands() {
		if child.Hidden {
			continue // for the completion scripts
		}
		if child.GroupID == "" || !strings.Contains(text, "\n  "+child.Name()+" ") {
			t.Errorf("%s is in no group", child.Name())
		}
	}
	for _, option := range config.Options() {
		_, section, _ := strings.Cut(text, "\nOptions of section ["+option.Section+"]:\n")
		section, _, _ = strings.Cut(section, "\n\n")
		if !regexp.MustCompile(`(?m)^ +--` + option.Flag() + `[ [].*` + regexp.QuoteMeta(option.Help)).MatchString(section) {
			t.Errorf("--%s is not in section %s", option.Flag(), option.Section)
		}
	}
	if narrow := helpText(root, 100); strings.Count(narrow, "\n") <= strings.Count(text, "\n") {
		t.Error("long lines are not wrapped for a terminal")
	}
}

// docs/commands.md is generated from the help of the commands.
func TestPageOfCommands(t *testing.T) {
	var page strings.Builder
	page.WriteString(`# Commands

<!-- Generated from the help of the commands. Do not edit this file: run make generate. -->

Without a command, the program serves InterLink. [Configuration](configuration.md) has the flags of all options. Texts of a remote cluster are shown without characters that a terminal acts on. Colors are for
terminals only, and not if ` + "`NO_COLOR`" + ` is set.
`)
	for _, command := range allCommands()[1:] {
		if command.Name() == "help" {
			continue
		}
		page.WriteString("\n## `" + strings.TrimPrefix(command.CommandPath(), programName+" ") + "`\n\n```text\n" + helpText(command, 0) + "```\n")
	}
	path := filepath.Join("..", "..", "docs", "commands.md")
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	current, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(current) != page.String() {
		t.Error("docs/commands.md is not current: run go test ./cmd/interlink-kubernetes-plugin -update")
	}
}

// program runs the program as a process of its own.
func realProgram(t *testing.T, environ []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	program := exec.CommandContext(t.Context(), os.Args[0], args...)
	program.Env = append([]string{"RUN_THE_PROGRAM=1", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, environ...)
	var out, errs bytes.Buffer
	program.Stdout, program.Stderr = &out, &errs
	if err := program.Run(); program.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), program.ProcessState.ExitCode()
}

// The process has the output and the exit codes that the documents name.
func TestTheProcess(t *testing.T) {
	for _, test := range []struct {
		line   string
		code   int
		stdout string
	}{
		{"version", 0, "interlink-kubernetes-plugin dev\n"},
		{"--version", 0, "dev\n"},
		{"config sample", 0, "# Configuration of the InterLink Kubernetes plugin.\n"},
		{"config reference", 0, "# Configuration\n"},
		{"config print -o yaml", 0, "file: "},
		{"--help", 0, "Runs the pods of an InterLink virtual node"},
		{"nothing", 2, ""},
	} {
		stdout, stderr, code := realProgram(t, nil, strings.Fields(test.line)...)
		if code != test.code || !strings.HasPrefix(stdout, test.stdout) || (stderr == "") != (code == 0) {
			t.Errorf("%s: exit code %d, want %d\n%s\n%s", test.line, code, test.code, stdout, stderr)
		}
	}
}
