package play

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// A profile changes what is sent, and nothing else.
func TestAdaptPods(t *testing.T) {
	const manifest = `
metadata: {name: p}
spec:
  initContainers: [{name: first, image: "other:1", command: [sleep, "1"]}]
  containers:
  - {name: main, image: "busybox:1.37", command: [sh, -c, "true"], env: [{name: HOME, value: mine}]}
  - {name: absent, image: "127.0.0.1:1/none:1"}
`
	const adapted = `
metadata: {name: p, annotations: {flags: fast}}
spec:
  initContainers: [{name: first, image: "any:1", command: [sleep, "1"], env: [{name: HOME, value: /tmp}]}]
  containers:
  - name: main
    image: docker://busybox
    command: [/bin/ash, -e, -c, "true"]
    env: [{name: HOME, value: mine}]
    resources: {requests: {cpu: 5k}, limits: {cpu: 5k}}
  - {name: absent, image: "none:0", env: [{name: HOME, value: /tmp}]}
`
	read := func(text string) *corev1.Pod {
		pod := &corev1.Pod{}
		if err := yaml.UnmarshalStrict([]byte(text), pod); err != nil {
			t.Fatal(err)
		}
		return pod
	}
	pod := read(manifest)
	behavior := scenario.Pod{Unschedulable: "no node", Containers: map[string]scenario.Container{"absent": {ImagePullError: "unknown"}}}
	adapt(pod, behavior, nil)
	if diff := cmp.Diff(read(manifest), pod); diff != "" {
		t.Errorf("without a profile: %s", diff)
	}
	adapt(pod, behavior, &profile.Profile{Spec: profile.Spec{
		Images: map[string]string{"busybox:1.37": "docker://busybox", "*": "any:1"}, Commands: map[string][]string{"sh": {"/bin/ash", "-e"}},
		Annotations: map[string]string{"flags": "fast"}, Env: map[string]string{"HOME": "/tmp"}, MissingImage: "none:0",
		ImpossibleRequest: map[string]string{"cpu": "5000"},
	}})
	sameQuantity := cmp.Comparer(func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 })
	if diff := cmp.Diff(read(adapted), pod, sameQuantity); diff != "" {
		t.Error(diff)
	}
}

// A scenario of a level that is not asked for, or of a capability that the profile does
// not declare, is skipped.
func TestSkippedByLevelAndCapability(t *testing.T) {
	leveled := func(level scenario.Level, capabilities ...scenario.Capability) *scenario.File {
		return &scenario.File{Name: "s", Scenario: scenario.Scenario{Level: level, Capabilities: capabilities}}
	}
	portable := []scenario.Level{scenario.LevelCore, scenario.LevelOptional}
	declared := &profile.Profile{Name: "mine", Spec: profile.Spec{Capabilities: []string{"restarts"}}}
	for _, test := range []struct {
		name    string
		file    *scenario.File
		options Options
		want    string // a part of the reason
	}{
		{"this plugin", leveled(scenario.LevelThisPlugin), Options{}, ""},
		{"core", leveled(scenario.LevelCore), Options{Plugin: "http://x", Levels: portable}, ""},
		{"another level", leveled(scenario.LevelKubernetes), Options{Plugin: "http://x", Levels: portable}, "its level is kubernetes"},
		{"another level for this plugin", leveled(scenario.LevelCore), Options{Levels: []scenario.Level{scenario.LevelThisPlugin}}, "its level is core"},
		{"a declared capability", leveled(scenario.LevelOptional, scenario.CapabilityRestarts), Options{Plugin: "http://x", Levels: portable, Profile: declared}, ""},
		{"one of two", leveled(scenario.LevelOptional, scenario.CapabilityRestarts, scenario.CapabilityMesh), Options{Plugin: "http://x", Levels: portable, Profile: declared}, "does not declare mesh"},
		{"no profile", leveled(scenario.LevelOptional, scenario.CapabilityRestarts), Options{Plugin: "http://x", Levels: portable}, "does not declare restarts"},
		{"capabilities of this plugin", leveled(scenario.LevelOptional, scenario.CapabilityRestarts), Options{}, ""},
		{"a restart without a command", leveled(scenario.LevelOptional, scenario.CapabilityPluginRestart), Options{Plugin: "http://x"}, "no command that restarts the plugin"},
	} {
		if got := skipReason(test.file, test.options); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	impossible := leveled(scenario.LevelCore)
	impossible.Nodes = map[string]scenario.Pod{"p": {Unschedulable: "no node"}}
	if got := skipReason(impossible, Options{Plugin: "http://x", Levels: portable, Profile: declared}); !strings.Contains(got, "request that cannot be met") {
		t.Errorf("without an impossible request: %q", got)
	}
	if got := skipReason(impossible, Options{Plugin: "http://x"}); got != "" { // its own request cannot be met by this plugin's cluster
		t.Errorf("compared with all that this plugin promises: %q", got)
	}
}

// A profile with an unknown capability is an error before anything is played.
func TestUnknownCapability(t *testing.T) {
	_, err := Run(t.Context(), scenarios(t, "plain-pod"), Options{Plugin: (&liar{}).serve(t), Profile: &profile.Profile{Name: "mine", Spec: profile.Spec{Capabilities: []string{"restart"}}}})
	if err == nil || !strings.Contains(err.Error(), `capability "restart"`) || !strings.Contains(err.Error(), "restarts, init-status") {
		t.Errorf("error %v", err)
	}
}

// The level is in the report.
func TestReportHasLevels(t *testing.T) {
	result, err := Run(t.Context(), scenarios(t, "plain-pod"), Options{})
	if err != nil || result.Scenarios[0].Verdict != report.Passed || result.Scenarios[0].Level == "" {
		t.Errorf("%+v, error %v", result.Scenarios, err)
	}
}
