package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// bashCompletion is what the package bash-completion has of what the script needs: the words of the line.
const bashCompletion = `
_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]}; prev=${COMP_WORDS[COMP_CWORD-1]}; words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; }
compopt() { :; } # bash has it only while a person completes a line
source <(interlink-kubernetes-plugin completion bash)
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
__start_interlink-kubernetes-plugin
printf '%s\n' "${COMPREPLY[@]}"
`

// In a real bash, the script completes commands, flags and values.
func TestCompletionInBash(t *testing.T) {
	bash := testkit.Program(t, "bash")
	folder := t.TempDir()
	if err := os.Symlink(os.Args[0], filepath.Join(folder, programName)); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string][]string{
		"ch":                             {"check"},
		"orphans ":                       {"list", "delete"},
		"config p":                       {"print"},
		"completion ":                    {"bash", "zsh", "fish", "powershell"},
		"check --fi":                     {"--fix"},
		"check --k8s-cont":               {"--k8s-context"},
		"pods -o ":                       {"table", "wide", "json", "yaml"},
		"version -o j":                   {"json"},
		"serve --log-level ":             {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"},
		"check --offloading-quota ":      {"wait", "fail"},
		"--app-socket-mod":               {"--app-socket-mode"},
		"pods --offloading-daemonsets=t": {"true"},
		"nothing-like-it ":               nil,
	} {
		program := exec.CommandContext(t.Context(), bash, append([]string{"--norc", "-c", bashCompletion, "bash", programName}, strings.Split(line, " ")...)...)
		program.Env = []string{"RUN_THE_PROGRAM=1", "PATH=" + folder + ":" + os.Getenv("PATH"), "HOME=" + folder}
		output, err := program.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, output)
		}
		var got []string
		for offer := range strings.Lines(string(output)) {
			if offer, _, _ = strings.Cut(strings.TrimSpace(offer), "  "); offer != "" { // then comes the description
				got = append(got, strings.TrimPrefix(offer, "--offloading-daemonsets="))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: offers %q, want %q", line, got, want)
		}
	}
}

// The scripts of other shells name the program.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range shells {
		stdout, stderr, code := realProgram(t, nil, "completion", shell)
		if code != 0 || stderr != "" || !strings.Contains(stdout, programName) || !strings.Contains(stdout, "__complete") {
			t.Errorf("%s: exit code %d, %d bytes\n%s", shell, code, len(stdout), stderr)
		}
	}
}
