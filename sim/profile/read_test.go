package profile_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// The profiles of the project can be read, and declare only capabilities that exist.
func TestProfilesOfTheProject(t *testing.T) {
	paths, err := filepath.Glob("../../fixtures/profiles/*.yaml")
	if err != nil || len(paths) != 5 {
		t.Fatalf("%d profiles, error %v", len(paths), err)
	}
	known := map[string]bool{}
	for _, capability := range scenario.Capabilities {
		known[string(capability)] = true
	}
	for _, path := range paths {
		p, err := profile.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSuffix(filepath.Base(path), ".yaml"); p.Name != want {
			t.Errorf("%s: the name is %s", path, p.Name)
		}
		for _, name := range p.Capabilities {
			if !known[name] {
				t.Errorf("%s: unknown capability %q", path, name)
			}
		}
	}
}

func TestParse(t *testing.T) {
	p, err := profile.Parse("p.yaml", []byte(`apiVersion: sim.interlink.io/v1alpha1
kind: PluginProfile
metadata: {name: mine}
spec:
  capabilities: [restarts]
  images: {"busybox:1.37": "docker://busybox:1.37"}
  commands: {sh: [/bin/sh]}
  impossibleRequest: {cpu: "5000"}
  slack: 10s
  logPreamble: true
  parallel: 2
  left: {command: squeue -h, byUID: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "mine" || p.Slack.Duration != 10*time.Second || !p.LogPreamble || p.Parallel != 2 || p.Left == nil || !p.Left.ByUID ||
		p.Images["busybox:1.37"] != "docker://busybox:1.37" || p.Commands["sh"][0] != "/bin/sh" || p.Capabilities[0] != "restarts" {
		t.Errorf("profile %+v", p)
	}
}

// Every problem is reported with its line, in words.
func TestProblems(t *testing.T) {
	const head = "apiVersion: sim.interlink.io/v1alpha1\nkind: PluginProfile\nmetadata: {name: mine}\n"
	for _, test := range []struct{ content, want string }{
		{"", "p.yaml:1: the file is empty"},
		{"a: [", "p.yaml: not YAML"},
		{"kind: Pod\n", "p.yaml:1: the document must have apiVersion sim.interlink.io/v1alpha1 and kind PluginProfile"},
		{"apiVersion: sim.interlink.io/v1alpha1\nkind: PluginProfile\n", "p.yaml:1: metadata.name is missing"},
		{head + "spec:\n  slak: 3s\n", "p.yaml:5: unknown field spec.slak"},
		{head + "spec:\n  slack: soon\n  parallel: many\n", "p.yaml:5: spec.slack must be a duration, such as 1m30s\np.yaml:6: spec.parallel must be a whole number"},
		{head + "spec:\n  capabilities: restarts\n", "p.yaml:5: spec.capabilities must be a list"},
		{head + "spec:\n  images: [a]\n", "p.yaml:5: spec.images must be an object"},
		{head + "spec:\n  env:\n    A: 1\n", "p.yaml:6: spec.env.A must be text: quote it"},
		{head + "spec:\n  impossibleRequest:\n    cpu: lots\n", `p.yaml:6: spec.impossibleRequest.cpu: "lots" is no quantity`},
		{head + "spec:\n  left: {byUID: true}\n", "p.yaml:5: spec.left.command is missing"},
		{head + "spec:\n  logPreamble: 1\n  slack: 1s\n  slack: 2s\n", "p.yaml:5: spec.logPreamble must be true or false\np.yaml:7: spec.slack is set twice"},
		{head + "spec: &x {}\n", "p.yaml:4: anchors and aliases"},
		{head + "---\n" + head, "p.yaml:4: a profile has one document"},
		{head + "spec:\n  slackPerPod: -1s\n", "p.yaml:5: spec.slackPerPod must not be negative"},
		{head + "spec:\n  slack: -1s\n", "p.yaml:5: spec.slack must not be negative"},
	} {
		if _, err := profile.Parse("p.yaml", []byte(test.content)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q:\nerror %v\nwant  %s", test.content, err, test.want)
		}
	}
}
