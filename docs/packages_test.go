package docs

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The table of packages in CONTRIBUTING.md has a row for each package, and for no
// other.
func TestContributingListsEachPackage(t *testing.T) {
	packages, programs := map[string]bool{}, map[string]bool{}
	for _, file := range files(t, ".go") {
		dir := path.Dir(file)
		top, _, _ := strings.Cut(dir, "/")
		if slices.Contains([]string{"plugin", "sim", "cmd", "e2e", "charts", "docs", "fixtures"}, top) {
			packages[dir] = true
			programs[dir] = strings.Contains(text(t, file), "\npackage main\n") || strings.HasPrefix(text(t, file), "package main\n")
		}
	}
	listed := map[string]bool{}
	row := regexp.MustCompile(`^\| [0-9-] \|([^|]*)\|`)
	name := regexp.MustCompile("`([^`]+)`")
	for _, line := range strings.Split(text(t, "CONTRIBUTING.md"), "\n") {
		if cells := row.FindStringSubmatch(line); cells != nil {
			for _, found := range name.FindAllStringSubmatch(cells[1], -1) {
				listed[found[1]] = true
				if !packages[found[1]] {
					t.Errorf("CONTRIBUTING.md lists %s, which is no package", found[1])
				}
			}
		}
	}
	for dir := range packages {
		// A program inside of a package's folder belongs to that package.
		belongs := programs[dir] && (listed[path.Dir(dir)] || listed[path.Dir(path.Dir(dir))])
		if !listed[dir] && !belongs {
			t.Errorf("CONTRIBUTING.md does not list the package %s", dir)
		}
	}
}

// A package without a depguard rule could import every other package: each one has
// a rule in .golangci.yml, which keeps the floors of architecture.md.
func TestEachPackageHasAnImportRule(t *testing.T) {
	var lint struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						Files []string          `json:"files"`
						Deny  []json.RawMessage `json:"deny"`
					} `json:"rules"`
				} `json:"depguard"`
			} `json:"settings"`
		} `json:"linters"`
	}
	if err := yaml.Unmarshal([]byte(text(t, ".golangci.yml")), &lint); err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for _, rule := range lint.Linters.Settings.Depguard.Rules {
		if len(rule.Deny) > 0 {
			patterns = append(patterns, rule.Files...)
		}
	}
	missing := map[string]bool{}
	for _, file := range files(t, ".go") {
		top, _, _ := strings.Cut(file, "/")
		if slices.Contains([]string{"plugin", "sim", "cmd"}, top) && !slices.Contains(patterns, "**/"+path.Dir(file)+"/*.go") {
			missing[path.Dir(file)] = true
		}
	}
	for dir := range missing {
		t.Errorf(".golangci.yml has no depguard rule for the files of %s", dir)
	}
}
