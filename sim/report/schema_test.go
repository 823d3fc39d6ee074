package report

import (
	"bytes"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "../../docs/report.schema.json"

// publishedSchema returns the published schema. With only, it permits no field that it
// does not describe.
func publishedSchema(t *testing.T, only bool) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if only {
		forbidOthers(parsed)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(schemaFile, parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// forbidOthers forbids all other fields, in each object of a schema.
func forbidOthers(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if s["properties"] != nil && s["type"] == "object" {
			s["additionalProperties"] = false
		}
		for _, part := range s {
			forbidOthers(part)
		}
	case []any:
		for _, part := range s {
			forbidOthers(part)
		}
	}
}

func validate(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

func TestJSONHasThePublishedSchema(t *testing.T) {
	full := sample()
	full.Profile, full.Levels, full.Strict, full.Interrupted, full.PluginGone = "Slurm", []string{"core"}, true, "signal", "the plugin does not answer any more"
	full.Scenarios[0].ExpectedFailure = true
	for name, r := range map[string]*Report{"full": full, "empty": {}, "hostile": hostileReport()} {
		var out bytes.Buffer
		if err := r.JSON(&out); err != nil {
			t.Fatal(err)
		}
		if err := validate(t, publishedSchema(t, false), out.Bytes()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each field that a report can have is described.
func TestSchemaDescribesEachField(t *testing.T) {
	full := sample()
	full.Profile, full.Levels, full.Strict, full.Interrupted, full.PluginGone = "Slurm", []string{"core"}, true, "signal", "the plugin does not answer any more"
	full.Scenarios[0].ExpectedFailure = true
	var out bytes.Buffer
	if err := full.JSON(&out); err != nil {
		t.Fatal(err)
	}
	if err := validate(t, publishedSchema(t, true), out.Bytes()); err != nil {
		t.Error(err)
	}
}

func TestSchemaRefusesOtherReports(t *testing.T) {
	schema := publishedSchema(t, false)
	var out bytes.Buffer
	if err := sample().JSON(&out); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another version":   {`"schemaVersion": 1`, `"schemaVersion": 2`},
		"another verdict":   {`"verdict": "skipped"`, `"verdict": "green"`},
		"a missing field":   {`"succeeded": false,`, ``},
		"a text as a time":  {`"tookSeconds": 4.24`, `"tookSeconds": "4.24"`},
		"no time":           {`"started": "2026-03-04T15:04:05Z"`, `"started": "then"`},
		"a negative number": {`"passed": 2`, `"passed": -2`},
	} {
		changed := bytes.Replace(out.Bytes(), []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(changed, out.Bytes()) {
			t.Fatalf("%s: the report does not contain %s", name, change[0])
		}
		if validate(t, schema, changed) == nil {
			t.Errorf("%s is valid", name)
		}
	}
}
