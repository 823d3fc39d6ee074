package tracing_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// docs/tracing.md describes each variable, and read.go reads each and no other.
func TestVariablesAreDescribed(t *testing.T) {
	page, err := os.ReadFile("../../docs/tracing.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	named := map[string]bool{}
	for _, variable := range tracing.Variables {
		fmt.Fprintf(&rows, "| `%s` | %s |\n", variable.Name, variable.Meaning)
		named[variable.Name] = true
	}
	if !strings.HasSuffix(string(page), "| Variable | Meaning |\n|---|---|\n"+rows.String()) {
		t.Errorf("docs/tracing.md must end with the rows\n%s", rows.String())
	}

	var code []byte
	for _, file := range []string{"read.go", "read_endpoint.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code = append(code, text...)
	}
	read := map[string]bool{}
	for _, found := range regexp.MustCompile(`"((?:OTEL|TELEMETRY|ENABLE)_[A-Z_]+[A-Z])"`).FindAllStringSubmatch(string(code), -1) {
		read[found[1]] = true
	}
	for _, found := range regexp.MustCompile(`r\.otlp[a-zA-Z]*\("([A-Z_]+)"`).FindAllStringSubmatch(string(code), -1) {
		read["OTEL_EXPORTER_OTLP_"+found[1]] = true
	}
	delete(read, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") // the page describes all of this kind together
	for name := range read {
		if !named[name] {
			t.Errorf("%s is read, and not described", name)
		}
	}
	for name := range named {
		if !read[name] {
			t.Errorf("%s is described, and not read", name)
		}
	}
}
