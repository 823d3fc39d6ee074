package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The names in the JSON of versions do not change.
func TestVersionsForPrograms(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"version", "-o", "json"}, nil, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	var got map[string]any
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"version", "commit", "commitTime", "modified", "goVersion", "platform", "kubernetesClient", "interLink"} {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is missing in %s", name, &stdout)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("these are new: %v", got)
	}
}

func TestVersionsOfABuild(t *testing.T) {
	info := &debug.BuildInfo{
		Deps: []*debug.Module{{Path: "example.org/other", Version: "v9.9.9"}, {Path: "k8s.io/client-go", Version: "v0.37.2"}},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"}, {Key: "GOOS", Value: "plan9"},
		},
	}
	got := readVersions(func() (*debug.BuildInfo, bool) { return info, true })
	want := versions{
		Version: "dev", Commit: "abc", CommitTime: "2026-01-02T03:04:05Z", Modified: true, GoVersion: got.GoVersion, Platform: got.Platform,
		KubernetesClient: "v0.37.2", InterLink: contractVersion,
	}
	if diff := cmp.Diff(want, got); diff != "" || got.GoVersion == "" || got.Platform == "" {
		t.Errorf("%+v %s", got, diff)
	}
	var out bytes.Buffer
	p := &program{stdout: &out}
	if err := p.printVersions(got); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "commit             abc of 2026-01-02T03:04:05Z, with changes\n") {
		t.Error(out.String())
	}
	unknown := readVersions(func() (*debug.BuildInfo, bool) { return nil, false })
	out.Reset()
	if err := errors.Join(p.printVersions(unknown)); err != nil || strings.Count(out.String(), "not known") != 2 {
		t.Errorf("%v\n%s", err, &out)
	}
}

// The version of InterLink is that of docs/contract.md.
func TestContractVersion(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "contract.md"))
	if err != nil {
		t.Fatal(err)
	}
	commit, release, _ := strings.Cut(strings.TrimSuffix(contractVersion, ")"), " (after ")
	if want := "InterLink main at commit `" + commit + "` (after release " + release + ")"; !strings.Contains(string(text), want) {
		t.Errorf("docs/contract.md does not say %q", want)
	}
}
