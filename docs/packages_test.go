package docs

import (
	"encoding/json"
	"go/parser"
	"go/token"
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

// Each package has a depguard rule in .golangci.yml, without which it could import
// every other package. Its rule lists exactly the packages that it imports, so that a
// new arrow between packages is a change of that file.
func TestEachPackageHasAnImportRule(t *testing.T) {
	type rule struct {
		Files []string          `json:"files"`
		Deny  []json.RawMessage `json:"deny"`
		Allow []string          `json:"allow"`
	}
	var lint struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]rule `json:"rules"`
				} `json:"depguard"`
			} `json:"settings"`
		} `json:"linters"`
	}
	if err := yaml.Unmarshal([]byte(text(t, ".golangci.yml")), &lint); err != nil {
		t.Fatal(err)
	}
	rules := map[string]rule{} // by folder
	for _, r := range lint.Linters.Settings.Depguard.Rules {
		if len(r.Files) == 2 && r.Files[1] == "!$test" && len(r.Deny) > 0 {
			rules[strings.TrimSuffix(strings.TrimPrefix(r.Files[0], "**/"), "/*.go")] = r
		}
	}
	imports := map[string]map[string]bool{} // by folder
	for _, file := range files(t, ".go") {
		top, _, _ := strings.Cut(file, "/")
		if strings.HasSuffix(file, "_test.go") || !slices.Contains([]string{"plugin", "sim", "cmd", "charts"}, top) {
			continue
		}
		if imports[path.Dir(file)] == nil {
			imports[path.Dir(file)] = map[string]bool{}
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text(t, file), parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			imports[path.Dir(file)][strings.Trim(spec.Path.Value, `"`)] = true
		}
	}
	if len(imports) < 20 {
		t.Fatalf("found only %d packages", len(imports))
	}
	for dir, imported := range imports {
		r, ok := rules[dir]
		if !ok {
			t.Errorf(".golangci.yml has no depguard rule for the files of %s", dir)
		}
		for _, allowed := range r.Allow {
			if !imported[strings.TrimSuffix(allowed, "$")] {
				t.Errorf(".golangci.yml allows %s to import %s, which it does not import", dir, allowed)
			}
		}
	}
}
