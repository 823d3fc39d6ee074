package scenario_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

func parse(t *testing.T, old, changed string) (*scenario.File, error) {
	t.Helper()
	content := strings.Replace(good, old, changed, 1)
	if content == good {
		t.Fatalf("%q is not in the file", old)
	}
	return scenario.Parse("a.yaml", []byte(content))
}

func TestInvalidLevels(t *testing.T) {
	const description = "  description: A pod runs.\n"
	for _, test := range []struct{ name, old, added, want string }{
		{"unknown level", description, "  level: basic\n", `6: "basic" is none of the levels core, optional, kubernetes, this-plugin`},
		{"unknown capability", description, "  level: optional\n  capabilities: [restarts, exec]\n", `7: "exec" is not a known capability; the capabilities are restarts, init-status,`},
		{"a capability twice", description, "  level: optional\n  capabilities: [restarts, restarts]\n", "7: restarts is given twice"},
		{"capabilities of core", description, "  level: core\n  capabilities: [restarts]\n", "7: capabilities are for the level optional, not core"},
		{"optional without capabilities", description, "  level: optional\n", "6: the level optional needs capabilities"},
		{"unknown aspect", description, "  observe: [logs]\n", `6: "logs" is not a known aspect; the aspects are run, env, files, remote, jobs, left`},
		{"no aspect", description, "  observe: []\n", "6: observe is empty"},
		{"options of this plugin", description, "  level: core\n  plugin: {A: b}\n", "7: plugin is for the level this-plugin, not core"},
		{"a namespace template", description, "  level: kubernetes\n  namespaceTemplate: a\n", "7: namespaceTemplate is for the level this-plugin, not kubernetes"},
		{"a runtime class", description, "  level: core\n  remoteSetup: {runtimeClasses: [a]}\n", "7: runtimeClasses is for the level this-plugin"},
		{"a quota", description, "  level: core\n  remoteSetup: {quota: {pods: \"1\"}}\n", "7: quota is for the level this-plugin"},
		{"a node", description, "  level: core\n  remoteSetup: {node: {cpu: \"1\"}}\n", "7: node is for the level this-plugin"},
		{"words of this plugin", "        phases: [Pending, Running, Succeeded]\n", "        refused: words\n", "refused is for the level this-plugin, not core"},
	} {
		t.Run(test.name, func(t *testing.T) {
			changed := test.old + test.added
			content := good
			if test.name == "words of this plugin" {
				changed = strings.Replace(changed, ", Running, Succeeded", ", Failed", 1)
				content = strings.Replace(good, description, description+"  level: core\n", 1)
			}
			_, err := scenario.Parse("a.yaml", []byte(strings.Replace(content, test.old, changed, 1)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %s", err, test.want)
			}
		})
	}
}

func TestLevelOfScenario(t *testing.T) {
	const description = "  description: A pod runs.\n"
	file, err := parse(t, description, description+"  level: optional\n  capabilities: [restarts, log-bytes]\n  plugin: {A: b}\n")
	if err != nil || file.LevelName() != "optional:restarts+log-bytes" {
		t.Errorf("%v, %v", file, err)
	}
	file, err = parse(t, description, description+"  until: 1m\n")
	if err != nil || file.LevelName() != "this-plugin" {
		t.Errorf("the default: %v, %v", file, err)
	}
}

// How many scenarios judge which plugins. A scenario without a level judges this plugin only.
func TestLevelsOfFixtures(t *testing.T) {
	files, err := scenario.ReadAll(folder)
	if err != nil {
		t.Fatal(err)
	}
	levels, capabilities := map[scenario.Level]int{}, map[scenario.Capability]int{}
	for _, file := range files {
		content, err := os.ReadFile(file.Path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(content), "\n  level: "+string(file.Level)+"\n") {
			t.Errorf("%s does not say its level", file.Path)
		}
		levels[file.Level]++
		for _, capability := range file.Capabilities {
			capabilities[capability]++
		}
		if file.Level != scenario.LevelThisPlugin && len(file.Portable(scenario.Capabilities).MustObserve()) == 0 {
			t.Errorf("%s can pass although nothing was observed", file.Path)
		}
	}
	want := map[scenario.Level]int{scenario.LevelCore: 41, scenario.LevelOptional: 18, scenario.LevelKubernetes: 20, scenario.LevelThisPlugin: 112}
	if diff := cmp.Diff(want, levels); diff != "" {
		t.Errorf("scenarios of each level (-want +got)\n%s", diff)
	}
	for _, capability := range scenario.Capabilities {
		if capabilities[capability] == 0 && capability != scenario.CapabilityMesh && capability != scenario.CapabilityTunnel { // they need InterLink's server at the other end
			t.Errorf("no scenario needs the capability %s", capability)
		}
	}
}

// What is of a higher level, or of another capability, is not expected of any plugin.
func TestPortable(t *testing.T) {
	text := func(level string) string {
		return strings.Replace(`apiVersion: sim.interlink.io/v1alpha1
kind: Scenario
spec:
  description: A pod runs.
  level: LEVEL
  nodes:
    web:
      containers:
        main: {exitCodes: [1], message: disk full}
        away: {imagePullError: no such image}
      events: [{at: 3s, delete: true}]
  until: 1m
  expect:
    remote: {Pod: 1, Secret: 1}
    pods:
      web:
        phases: [Pending, Failed]
        initContainers: {first: {state: terminated}}
        containers:
          main: {state: terminated, exitCode: 1, restartCount: 1, message: full}
          away: {state: waiting, reason: ErrImagePull, message: no such}
          gone: {state: terminated, exitCode: 137, message: RemotePodNotFound}
        remotePod: {spec: {hostname: web}}
        env: {main: {A: b}}
        logs:
        - {container: main, lines: [a]}
        - {container: main, tail: 1, lines: [a]}
        - {container: main, bytes: 1, lines: [a]}
        - {lines: [a]}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers: [{name: first}]
  containers: [{name: main}, {name: away}, {name: gone}]
`, "LEVEL", level, 1)
	}
	read := func(level string) *scenario.File {
		file, err := scenario.Parse("a.yaml", []byte(text(level)))
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	core := read("core").Portable(scenario.Capabilities)
	e := core.Expect.Pods["web"]
	want := scenario.PodExpectation{
		Phases: e.Phases, Env: e.Env,
		Containers: map[string]scenario.ContainerExpectation{
			"main": {State: "terminated", ExitCode: ptr.To[int32](1)}, "away": {State: "waiting"}, "gone": {State: "terminated"},
		},
		Logs: []scenario.LogExpectation{{Container: "main", Lines: []string{"a"}}},
	}
	if diff := cmp.Diff(want, e); diff != "" || len(core.Expect.Remote) > 0 {
		t.Errorf("core: remote %v (-want +got)\n%s", core.Expect.Remote, diff)
	}
	if diff := cmp.Diff([]string{"Pod"}, core.LeftKinds()); diff != "" || !core.IsPortable() {
		t.Errorf("kinds that may be left: %s", diff)
	}

	wantNot := "initContainers (level optional), logs without container (level kubernetes), logs.bytes (level optional), logs.tail (level optional), message (level kubernetes), " +
		"reason (level kubernetes), remote.Pod (level kubernetes), remote.Secret (level this-plugin), remotePod (level kubernetes), restartCount (level optional)"
	if got := strings.Join(core.NotCompared(), ", "); got != wantNot {
		t.Errorf("core: not compared is %s\nwant %s", got, wantNot)
	}

	kubernetes := read("kubernetes").Portable([]scenario.Capability{scenario.CapabilityBytes})
	e = kubernetes.Expect.Pods["web"]
	if main, gone := e.Containers["main"], e.Containers["gone"]; main.Message != "full" || main.RestartCount != nil || gone.Message != "" || gone.ExitCode != nil {
		t.Errorf("main %+v, gone %+v", main, gone)
	}
	if e.Containers["away"].Reason != "ErrImagePull" || e.RemotePod == nil || e.InitContainers != nil || len(e.Logs) != 3 {
		t.Errorf("%+v", e)
	}
	if diff := cmp.Diff(map[string]int{"Pod": 1}, kubernetes.Expect.Remote); diff != "" {
		t.Error(diff)
	}

	all := read("this-plugin")
	if diff := cmp.Diff(all.Expect, all.Portable(scenario.Capabilities).Expect); diff != "" {
		t.Errorf("this plugin must fulfill everything (-want +got)\n%s", diff)
	}
	if not := all.Portable(scenario.Capabilities).NotCompared(); len(not) > 0 {
		t.Errorf("of this plugin everything is compared, not %q", not)
	}
	if all.IsPortable() || !slices.Equal(all.LeftKinds(), scenario.CountedKinds) {
		t.Errorf("kinds that may be left: %v", all.LeftKinds())
	}
}

func TestMustObserve(t *testing.T) {
	const expected = "        phases: [Pending, Running, Succeeded]\n"
	for _, test := range []struct{ name, old, changed, want string }{
		{"what the plugin runs", "    remote: {Pod: 1}\n", "", "run jobs"},
		{"remote objects", "steps:\n  - {at: 4s, create: web}", "until: 1m", "run remote"},
		{"variables", expected, expected + "        env: {main: {A: b}}\n", "run env remote jobs"},
		{"files that must not exist", expected, expected + "        noFiles: {main: [/a]}\n", "run files remote jobs"},
		{"the end", "create: web", "delete: web", "run remote left"},
		{"a restart that forgets", "create: web", "restartVirtualKubelet: {forget: [web]}", "run remote jobs"},
		{"a restart that forgets nothing", "create: web", "restartVirtualKubelet: {}", "run remote"},
		{"what the scenario says", "  until: 1m\n", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.want == "" {
				test.old, test.changed, test.want = "  nodes:", "  observe: [env, left]\n  nodes:", "env left"
			}
			file, err := parse(t, test.old, test.changed)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, aspect := range file.MustObserve() {
				got = append(got, string(aspect))
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("%s; want %s", got, test.want)
			}
		})
	}
}

// A container that cannot start, or that a failed init container keeps from starting, need not
// be seen to run.
func TestMustRun(t *testing.T) {
	for _, test := range []struct{ name, nodes, expected, want string }{
		{"no container is listed", "", "phases: [Pending, Running, Succeeded]", "[proxy main second]"},
		{"one is listed", "", "phases: [Pending, Running, Succeeded], containers: {main: {exitCode: 0}}", "[proxy main]"},
		{"an init container too", "", "phases: [Pending, Running, Succeeded], initContainers: {first: {state: terminated}}, containers: {main: {state: running}}", "[proxy first main]"},
		{"a sidecar that cannot start", "containers: {proxy: {imagePullError: none}}", "phases: [Pending], containers: {main: {state: waiting}}", "[]"},
		{"a sidecar that crashes", "containers: {proxy: {exitCodes: [1]}}", "phases: [Pending, Running, Succeeded]", "[proxy main second]"},
		{"the init container fails", "containers: {first: {exitCodes: [1]}}", "phases: [Pending, Failed], initContainers: {first: {state: terminated}}, containers: {main: {state: terminated}}", "[first]"},
		{"the image is missing", "containers: {main: {imagePullError: none}}", "phases: [Pending], containers: {main: {state: waiting}}", "[]"},
		{"no node", "unschedulable: none", "phases: [Pending], containers: {main: {state: terminated}}", "[]"},
		{"a late node", "unschedulable: none, schedule: 5s", "phases: [Pending, Running, Failed]", "[proxy main second]"},
		{"refused", "", "phases: [Pending, Failed], refused: none", "[]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file, err := scenario.Parse("a.yaml", []byte(`apiVersion: sim.interlink.io/v1alpha1
kind: Scenario
spec:
  description: A pod runs.
  nodes: {web: {`+test.nodes+`}}
  until: 1m
  expect: {pods: {web: {`+test.expected+`}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers: [{name: proxy, restartPolicy: Always}, {name: first}]
  containers: [{name: main}, {name: second}]
`))
			if err != nil {
				t.Fatal(err)
			}
			names := []string{}
			for key := range maps.Keys(file.MustRun()) {
				names = append(names, file.MustRun()[key]...)
			}
			if got := "[" + strings.Join(names, " ") + "]"; got != test.want {
				t.Errorf("%s; want %s", got, test.want)
			}
		})
	}
}

// InterLink does not send a container that stays local: it does not run, and what is reported of
// it is this plugin's choice.
func TestLocalContainers(t *testing.T) {
	file, err := scenario.Read(folder + "/disable-offload-fails.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"app": {"main"}}, file.MustRun()); diff != "" {
		t.Errorf("containers that must run (-want +got)\n%s", diff)
	}
	got := file.Portable(nil).Expect.Pods["app"].Containers
	want := map[string]scenario.ContainerExpectation{"main": {State: "terminated", ExitCode: ptr.To[int32](6)}, "local": {State: "terminated"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is expected of any plugin (-want +got)\n%s", diff)
	}
}
