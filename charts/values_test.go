package charts

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// documentedValue is a value of values.yaml with the comment above it.
type documentedValue struct {
	group, path string
	meaning     string // the first paragraph of the comment
}

// undocumented lists what values.schema.json has and values.yaml does not have.
var undocumented = []string{
	"global", "resources.claims", "interlink.resources.claims", "test.resources.claims",
	"probes.readiness.initialDelaySeconds", "probes.liveness.initialDelaySeconds", "probes.startup.initialDelaySeconds",
}

var keyLine = regexp.MustCompile(`^( *)([A-Za-z]+):(.*)$`)

// readComments reads the comments of values.yaml: each value has one, and each comment has a value. isSection says
// whether the values below a value are documented one by one.
func readComments(text string, isSection func(path string) bool) ([]documentedValue, error) {
	_, text, found := strings.Cut(text, "\n## ") // before the first group is the comment of the file
	if !found {
		return nil, fmt.Errorf("no group begins with ##")
	}
	var (
		all     []documentedValue
		group   string
		comment []string
		parents []string
		inside  = -1 // the indentation of a value whose lines below are not documented
	)
	for number, line := range strings.Split("## "+text, "\n") {
		wrong := func(format string, args ...any) error {
			return fmt.Errorf("%q, line %d after the first ##: %s", line, number, fmt.Sprintf(format, args...))
		}
		trimmed := strings.TrimLeft(line, " ")
		indent := len(line) - len(trimmed)
		key := keyLine.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "## "):
			group = strings.TrimPrefix(line, "## ")
			fallthrough
		case trimmed == "":
			if len(comment) > 0 {
				return nil, wrong("the comment before it has no value")
			}
		case strings.HasPrefix(trimmed, "#"):
			inside = -1
			comment = append(comment, strings.TrimSpace(strings.TrimPrefix(trimmed, "#")))
		case inside >= 0 && (indent > inside || indent == inside && strings.HasPrefix(trimmed, "-")):
		case key == nil || indent%2 != 0 || indent/2 > len(parents):
			return nil, wrong("it is no value")
		default:
			parents = append(parents[:indent/2], key[2])
			path := strings.Join(parents, ".")
			first, _, _ := strings.Cut(strings.Join(comment, "\n"), "\n\n")
			if first == "" {
				return nil, wrong("%s has no comment", path)
			}
			all = append(all, documentedValue{group, path, strings.ReplaceAll(first, "\n", " ")})
			comment, inside = nil, -1
			if !isSection(path) {
				inside = indent
			}
		}
	}
	if len(comment) > 0 {
		return nil, fmt.Errorf("the last comment has no value")
	}
	return all, nil
}

// schemaAt returns the schema of a value, or nil.
func schemaAt(schema map[string]any, path string) map[string]any {
	for _, name := range strings.Split(path, ".") {
		properties, _ := schema["properties"].(map[string]any)
		if schema, _ = properties[name].(map[string]any); schema == nil {
			return nil
		}
	}
	return schema
}

func readSchema(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(plugin, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// isSection reports whether values.yaml documents the values below a value.
func isSection(schema map[string]any, path string) bool {
	of := schemaAt(schema, path)
	return of["properties"] != nil && !slices.Contains([]string{"config", "secretConfig", "overrides", "resources"}, path[strings.LastIndex(path, ".")+1:])
}

func documentedValues(t *testing.T, schema map[string]any) []documentedValue {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(plugin, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := readComments(string(text), func(path string) bool { return isSection(schema, path) })
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// describe writes the comments of values.yaml into the schema.
func describe(t *testing.T, schema map[string]any) {
	t.Helper()
	for _, value := range documentedValues(t, schema) {
		of := schemaAt(schema, value.path)
		if of == nil {
			t.Errorf("values.schema.json does not have %s", value.path)
			continue
		}
		of["description"] = value.meaning
	}
}

// Each value of the schema is in values.yaml, with a comment.
func TestEachValueIsDocumented(t *testing.T) {
	schema := readSchema(t)
	documented := map[string]bool{}
	for _, value := range documentedValues(t, schema) {
		documented[value.path] = true
	}
	var visit func(prefix string, of map[string]any)
	visit = func(prefix string, of map[string]any) {
		properties, _ := of["properties"].(map[string]any)
		for name, below := range properties {
			path := prefix + name
			if documented[path] == slices.Contains(undocumented, path) {
				t.Errorf("%s: in values.yaml: %t", path, documented[path])
			}
			if isSection(schema, path) {
				visit(path+".", below.(map[string]any))
			}
		}
	}
	visit("", schema)
}

// typeOf says in words what a value can be.
func typeOf(schema map[string]any) string {
	words := map[string]string{"string": "text", "integer": "number", "number": "number", "boolean": "true or false", "array": "list", "object": "map", "null": "null"}
	if choices, ok := schema["enum"].([]any); ok {
		var names []string
		for _, choice := range choices {
			if choice != "" {
				names = append(names, fmt.Sprintf("`%v`", choice))
			}
		}
		return strings.Join(names, ", ")
	}
	switch kinds := schema["type"].(type) {
	case string:
		return words[kinds]
	case []any:
		var names []string
		for _, kind := range kinds {
			names = append(names, words[kind.(string)])
		}
		return strings.Join(names, ", ")
	}
	return ""
}

// The table of docs/chart.md has each value, with its default and its comment.
func TestTableOfValues(t *testing.T) {
	schema := readSchema(t)
	defaults := readValues(t, filepath.Join(plugin, "values.yaml"))
	var table strings.Builder
	group := ""
	for _, value := range documentedValues(t, schema) {
		if value.group != group {
			group = value.group
			fmt.Fprintf(&table, "\n### %s\n\n| Value | Type | Default | Meaning |\n|---|---|---|---|\n", group)
		}
		kind, text := "", ""
		if !isSection(schema, value.path) {
			var at any = defaults
			for _, name := range strings.Split(value.path, ".") {
				at = at.(map[string]any)[name]
			}
			encoded, err := json.Marshal(at)
			if err != nil {
				t.Fatal(err)
			}
			kind, text = typeOf(schemaAt(schema, value.path)), "`"+string(encoded)+"`"
		}
		meaning := strings.NewReplacer("|", `\|`, "<", `\<`).Replace(value.meaning)
		meaning = regexp.MustCompile(`docs/([a-z-]+\.md)`).ReplaceAllString(meaning, "[$1]($1)")
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", value.path, kind, text, meaning)
	}
	page := filepath.Join("..", "docs", "chart.md")
	current, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const mark = "<!-- Generated from values.yaml. Do not edit below: run make generate. -->\n"
	before, _, found := strings.Cut(string(current), mark)
	if !found {
		t.Fatalf("%s has no line %s", page, mark)
	}
	golden(t, page, []byte(before+mark+table.String()))
}

func TestComments(t *testing.T) {
	const good = "# A file.\n\n## One\n\n# A.\na: 1\n# B,\n# both lines.\n#\n# More.\nb:\n  # C.\n  c: {}\n  # D.\n  d:\n    - x\n\n## Two\n\n# E.\ne:\n  f: 1\n"
	section := func(path string) bool { return path == "b" }
	got, err := readComments(good, section)
	want := "[{One a A.} {One b B, both lines.} {One b.c C.} {One b.d D.} {Two e E.}]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v", got, err)
	}
	for change, wrong := range map[string]string{
		"# A.\n|":              "a has no comment",
		"  # C.\n|":            "b.c has no comment",
		"a: 1\n|\n":            "the comment before it has no value",
		"a: 1\n|a: 1\n# X\n\n": "the comment before it has no value",
		"  f: 1\n|  f: 1\n# X": "the last comment has no value",
		"a: 1|a 1":             "it is no value",
	} {
		from, to, _ := strings.Cut(change, "|")
		_, err := readComments(strings.Replace(good, from, to, 1), section)
		if err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: %v, want %q", change, err, wrong)
		}
	}
}

// The roles of rbac.create have the rules of manifests/rbac-*.yaml.
func TestRulesOfTheRoles(t *testing.T) {
	for part, of := range map[string]struct{ file, kind, name string }{
		"cluster-wide":       {"rbac-cluster-wide.yaml", "ClusterRole", "interlink-plugin"},
		"lease":              {"rbac-cluster-wide.yaml", "Role", "interlink-plugin-lease"},
		"single-namespace":   {"rbac-single-namespace.yaml", "Role", "interlink-plugin"},
		"capacity":           {"rbac-capacity.yaml", "ClusterRole", "interlink-plugin-capacity"},
		"classes":            {"rbac-classes.yaml", "ClusterRole", "interlink-plugin-classes"},
		"namespace-template": {"rbac-namespace-template.yaml", "ClusterRole", "interlink-plugin-namespace-template"},
		"orphan-secrets":     {"rbac-orphan-secrets.yaml", "ClusterRole", "interlink-plugin-orphan-secrets"},
	} {
		text, err := os.ReadFile(filepath.Join("..", "manifests", of.file))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, document := range documents(t, string(text)) {
			var role struct {
				Kind     string                `json:"kind"`
				Metadata struct{ Name string } `json:"metadata"`
				Rules    []any                 `json:"rules"`
			}
			if err := yaml.Unmarshal(document, &role); err != nil {
				t.Fatal(err)
			}
			if role.Kind != of.kind || role.Metadata.Name != of.name {
				continue
			}
			found = true
			rules, err := yaml.Marshal(role.Rules)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join(plugin, "rbac", part+".yaml"), append([]byte("# Generated from manifests/"+of.file+". Do not edit: run make generate.\n"), rules...))
		}
		if !found {
			t.Errorf("%s has no %s %s", of.file, of.kind, of.name)
		}
	}
}
