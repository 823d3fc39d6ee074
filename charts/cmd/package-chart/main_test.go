package main

import (
	"os"
	"path/filepath"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
)

func TestWrite(t *testing.T) {
	file, err := write("../../interlink-kubernetes-plugin", t.TempDir(), "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if name := filepath.Base(file); name != "interlink-kubernetes-plugin-1.2.3.tgz" {
		t.Errorf("file %s", name)
	}
	chart, err := loader.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if chart.Metadata.Version != "1.2.3" || chart.Metadata.AppVersion != "1.2.3" || len(chart.Templates) == 0 || len(chart.Schema) == 0 {
		t.Errorf("chart %s %s with %d templates", chart.Metadata.Version, chart.Metadata.AppVersion, len(chart.Templates))
	}
}

func TestErrors(t *testing.T) {
	notFolder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notFolder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][3]string{
		{"missing", t.TempDir(), "1.2.3"},
		{"../../interlink-kubernetes-plugin", notFolder, "1.2.3"},
		{"../../interlink-kubernetes-plugin", t.TempDir(), "not a version"},
	} {
		if file, err := write(args[0], args[1], args[2]); err == nil {
			t.Errorf("%v: wrote %s", args, file)
		}
	}
}
