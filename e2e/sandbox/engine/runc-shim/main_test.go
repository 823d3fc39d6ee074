package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRelax(t *testing.T) {
	for _, tc := range []struct{ name, spec, want string }{
		{
			name: "a bundle",
			spec: `{"ociVersion":"1.1.0","process":{"args":["sh"],"rlimits":[{"type":"RLIMIT_NOFILE"}],"oomScoreAdj":-998,
				"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE"],"effective":["CAP_SYS_RESOURCE"]}},"linux":{"x":1}}`,
			want: `{"ociVersion":"1.1.0","process":{"args":["sh"],"oomScoreAdj":0,
				"capabilities":{"bounding":["CAP_CHOWN"],"effective":[]}},"linux":{"x":1}}`,
		},
		{
			name: "a process of runc exec",
			spec: `{"args":["sh"],"rlimits":[],"capabilities":{"bounding":["CAP_SYS_RESOURCE","CAP_KILL"]}}`,
			want: `{"args":["sh"],"capabilities":{"bounding":["CAP_KILL"]}}`,
		},
		{name: "nothing to remove", spec: `{"process":{"oomScoreAdj":900,"user":{"uid":4294967295}}}`, want: `{"process":{"oomScoreAdj":900,"user":{"uid":4294967295}}}`},
		{name: "large numbers", spec: `{"linux":{"memory":9223372036854771712}}`, want: `{"linux":{"memory":9223372036854771712}}`},
		{name: "no capabilities", spec: `{"process":{"capabilities":null}}`, want: `{"process":{"capabilities":null}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := relax([]byte(tc.spec))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(value(t, []byte(tc.want)), value(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// value decodes JSON without rounding its numbers.
func value(t *testing.T, text []byte) (value any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestRelaxFile(t *testing.T) {
	dir := t.TempDir()
	if err := relaxFile(filepath.Join(dir, "none.json")); err != nil {
		t.Errorf("relaxFile fails for a missing file: %v", err)
	}
	path := filepath.Join(dir, "config.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := relaxFile(path); err == nil {
		t.Error("relaxFile accepts a truncated file")
	}
	if err := os.WriteFile(path, []byte(`{"process":{"rlimits":[1]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := relaxFile(path); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != `{"process":{}}` {
		t.Errorf("%s", text)
	}
}
