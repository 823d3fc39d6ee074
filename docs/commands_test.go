package docs

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// programs builds the project's programs once, and returns their folder.
var programs = sync.OnceValues(func() (string, error) {
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", programsFolder, "./cmd/...")
	build.Dir = ".."
	build.Stderr = os.Stderr
	return programsFolder, build.Run()
})

var programsFolder string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if programsFolder, err = os.MkdirTemp("", "docs-programs-"); err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(programsFolder) }()
		return m.Run()
	}())
}

func builtPrograms(t *testing.T) string {
	t.Helper()
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// checkout returns a folder that looks like a clone after make build: all that
// blocks write goes to its own bin.
func checkout(t *testing.T) string {
	t.Helper()
	folder, root := t.TempDir(), testkit.Root(t)
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != "bin" && name != ".git" && name != "private" {
			if err := os.Symlink(filepath.Join(root, name), filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	bin := filepath.Join(folder, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"interlink-sim", "interlink-kubernetes-plugin"} {
		if err := os.Symlink(filepath.Join(builtPrograms(t), program), filepath.Join(bin, program)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// The blocks with the mark <!-- run --> work as they are written, in a fresh clone
// with built programs. They need no cluster.
func TestMarkedBlocksRun(t *testing.T) {
	runs := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if !b.run {
				continue
			}
			runs++
			t.Run(p.path, func(t *testing.T) {
				testkit.Program(t, "bash")
				if strings.Contains(b.code, "curl ") {
					testkit.Program(t, "curl")
				}
				runBlock(t, checkout(t), b.code)
			})
		}
	}
	if runs < 4 {
		t.Errorf("only %d blocks have the mark %s", runs, runMark)
	}
}

func runBlock(t *testing.T, folder, code string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-eu", "-o", "pipefail", "-c", code)
	bash.Dir = folder
	// A process group of its own, so that what the block leaves running ends too.
	bash.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	bash.Cancel = func() error { return syscall.Kill(-bash.Process.Pid, syscall.SIGKILL) }
	bash.WaitDelay = 10 * time.Second
	output, err := bash.CombinedOutput()
	if bash.Process != nil {
		_ = syscall.Kill(-bash.Process.Pid, syscall.SIGKILL)
	}
	if err != nil {
		t.Errorf("%v in\n%s\n%s", err, code, output)
	}
}

// shellLanguages are those of blocks with commands.
var shellLanguages = map[string]bool{"sh": true, "bash": true, "shell": true}

// A command is one line of a block, in words.
type command struct {
	page  *page
	line  int
	words []string
}

// commands returns the commands of all blocks, without comments.
func commands(t *testing.T) []command {
	t.Helper()
	var all []command
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if !shellLanguages[b.language] {
				continue
			}
			code := strings.ReplaceAll(b.code, "\\\n", " ")
			for i, line := range strings.Split(code, "\n") {
				line, _, _ = strings.Cut(" "+line, " #")
				if words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t()|&;<>", r) }); len(words) > 0 {
					all = append(all, command{p, b.line + i, words})
				}
			}
		}
	}
	if len(all) < 30 {
		t.Fatalf("only %d commands are found", len(all))
	}
	return all
}

// localPath matches a path of the repository in a command, also after = or @.
var localPath = regexp.MustCompile(`(?:^|[=@])((?:manifests|fixtures|charts|docs|e2e|plugin|sim|cmd|\.ci)/[^\s'"]*)`)

func TestFilesInCommandsExist(t *testing.T) {
	for _, c := range commands(t) {
		for _, word := range c.words {
			found := localPath.FindStringSubmatch(strings.TrimPrefix(word, "./"))
			if found == nil || strings.ContainsAny(found[1], "$*") || strings.HasSuffix(found[1], "...") {
				continue
			}
			if _, err := os.Stat(filepath.Join(testkit.Root(t), found[1])); err != nil {
				t.Errorf("%s:%d: the repository has no %s", c.page.path, c.line, found[1])
			}
		}
	}
}

func TestMakeTargetsExist(t *testing.T) {
	targets := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^([a-z0-9-]+):.*##`).FindAllStringSubmatch(text(t, "Makefile"), -1) {
		targets[found[1]] = true
	}
	for _, c := range commands(t) {
		words := c.words
		for len(words) > 0 && strings.Contains(words[0], "=") {
			words = words[1:]
		}
		if len(words) == 0 || words[0] != "make" {
			continue
		}
		for _, word := range words[1:] {
			if !strings.ContainsAny(word, "='") && !targets[word] {
				t.Errorf("%s:%d: the Makefile has no target %s", c.page.path, c.line, word)
			}
		}
	}
}

// The flags of the project's own programs are those of their --help.
func TestFlagsExist(t *testing.T) {
	folder := builtPrograms(t)
	helps := map[string]string{}
	help := func(words ...string) string {
		key := strings.Join(words, " ")
		if _, ok := helps[key]; !ok {
			output, err := exec.Command(filepath.Join(folder, words[0]), append(words[1:], "--help")...).CombinedOutput()
			if err != nil {
				t.Errorf("%s --help: %v", key, err)
			}
			helps[key] = string(output)
		}
		return helps[key]
	}
	flags := 0
	for _, c := range commands(t) {
		for i, word := range c.words {
			program := filepath.Base(word)
			if strings.Contains(word, "://") {
				continue // an address, such as that of a chart
			}
			of := []string{program}
			switch {
			case program == "interlink-sim" && i+1 < len(c.words) && !strings.HasPrefix(c.words[i+1], "-"):
				of = append(of, c.words[i+1])
			case program == "interlink-kubernetes-plugin":
				for _, word := range c.words[i+1:] { // check, or orphans list
					if !regexp.MustCompile(`^[a-z]+$`).MatchString(word) || len(of) > 2 {
						break
					}
					of = append(of, word)
				}
			case program != "interlink-sim" && program != "interlink-kubernetes-plugin":
				continue
			}
			if strings.ToUpper(of[len(of)-1]) == of[len(of)-1] || i+1 == len(c.words) {
				continue // a placeholder, such as COMMAND
			}
			for _, flag := range c.words[i+1:] {
				if name, _, _ := strings.Cut(flag, "="); strings.HasPrefix(name, "--") && len(name) > 2 {
					flags++
					// The help of the program itself has the flags of options, which its commands have, too.
					if !regexp.MustCompile(regexp.QuoteMeta(name) + `\b[^-]`).MatchString(help(of...) + help(program)) {
						t.Errorf("%s:%d: %s has no flag %s", c.page.path, c.line, strings.Join(of, " "), name)
					}
				}
			}
		}
	}
	if flags < 5 {
		t.Errorf("only %d flags are found", flags)
	}
}
