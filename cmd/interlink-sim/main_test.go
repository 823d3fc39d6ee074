package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name           string
		args, environ  []string
		stdin          string
		code           int
		stdout, stderr string
	}{
		{"version", []string{"--version"}, nil, "", 0, "dev\n", ""},
		{"help", []string{"--help"}, nil, "", 0, "interlink-sim replay ", ""},
		{"help of a command", []string{"load", "--help"}, nil, "", 0, "--concurrency int", ""},
		{"no arguments", nil, nil, "", 2, "", "plan FILE..."},
		{"unknown command", []string{"play"}, nil, "", 2, "", `no command "play"`},
		{"unknown flag", []string{"replay", "--what"}, nil, "", 2, "", "--what"},

		{"plan: a file", []string{"plan", "../../fixtures/examples/create.json"}, nil, "", 1, "name: hello-config-6f0c7d52-5b0e-4c53-9d0a-3f6b1f0a7a11", ""},
		{"plan: standard input and the plugin's environment", []string{"plan", "-"}, []string{"OFFLOADING_NAMESPACE_PREFIX=site"},
			`{"pod":{"metadata":{"name":"p","namespace":"demo","uid":"u"},"spec":{"containers":[{"name":"c"}]}}}`, 0, "namespace: site-demo", ""},
		{"plan: a manifest", []string{"plan", "../../fixtures/scenarios/volume-configmap-shared.yaml"}, nil, "", 0, "kind: ConfigMap", ""},
		{"plan: options of a scenario", []string{"plan", "../../fixtures/scenarios/env-missing-secret.yaml"}, nil, "", 1, "the plugin would refuse it", ""},
		{"plan: no file", []string{"plan", "/does/not/exist"}, nil, "", 1, "", "/does/not/exist"},
		{"plan: no file name", []string{"plan"}, nil, "", 2, "", "a FILE is needed"},
		{"plan: JSON of two files", []string{"plan", "--json", "../../manifests/examples/job.yaml", "../../manifests/examples/deployment.yaml"}, nil, "", 0, `"from": "Deployment `, ""},
		{"plan: an option of the virtual kubelet", []string{"plan", "--kubernetes-api", "api.example.org:6443", "../../manifests/examples/pod.yaml"}, nil, "", 0, "value: api.example.org", ""},
		{"plan: a file among several that cannot be read", []string{"plan", "../../manifests/examples/pod.yaml", "/does/not/exist"}, nil, "", 1, "", "/does/not/exist"},
		{"plan: a kind that is not read, beside a pod", []string{"plan", "-"}, nil, planWithWorkflow, 0, "sent and created", "kind Workflow (hello): not read; give its pods"},
		{"plan: an invalid document beside a pod", []string{"plan", "--json", "-"}, nil, planWithInvalid, 1, `"pod": "default/a"`, "Job j: the template of pod j-x7k2p has no containers"},
		{"plan: only a kind that is not read", []string{"plan", "-"}, nil, workflow, 1, "", "kind Workflow (hello): not read; give its pods"},
		{"plan: no request", []string{"plan", "-"}, nil, "{}", 1, "", "standard input has no pod"},
		{"plan: an invalid configuration", []string{"plan", "-"}, []string{"LOG_LEVEL=LOUD"}, "{}", 1, "", "[log] level"},

		{"replay: one", []string{"replay", "--run", "^exit-code$", "../../fixtures/scenarios"}, nil, "", 0, "core: 1 of 1 passed\ntotal: 1 of 1 passed in ", ""},
		{"replay: the environment does not apply to a cluster in memory", []string{"replay", "--run", "^volume-hostpath-dropped$", "../../fixtures/scenarios"},
			[]string{"OFFLOADING_UNSUPPORTED_VOLUMES=refuse"}, "", 0, "total: 1 of 1 passed", ""},
		{"replay: the embedded scenarios", []string{"replay", "--run", "^(exit-code|plain-pod)$"}, nil, "", 0, "core: 2 of 2 passed", ""},
		{"replay: no folder", []string{"replay", "/does/not/exist"}, nil, "", 2, "", "/does/not/exist"},
		{"replay: none matches", []string{"replay", "--run", "no-such-scenario", "../../fixtures/scenarios"}, nil, "", 2, "", "none of the"},
		{"replay: an invalid pattern", []string{"replay", "--run", "(", "../../fixtures/scenarios"}, nil, "", 2, "", "--run"},
		{"replay: an invalid level", []string{"replay", "--level", "core,best"}, nil, "", 2, "", "--level best: want core, optional, kubernetes, this-plugin"},
		{"replay: a level without a scenario", []string{"replay", "--plugin", "unix:///does/not/exist", "../../fixtures/scenarios/volume-hostpath-refused.yaml"}, nil, "", 2, "",
			"has the level core, optional; --level chooses others"},
		{"replay: an invalid report", []string{"replay", "--report", "xml=x"}, nil, "", 2, "", "want junit=FILE, json=FILE or html=FILE"},
		{"replay: two reports in a file", []string{"replay", "--report", "json=x,html=x"}, nil, "", 2, "", "names the file x twice"},
		{"replay: no list of expected failures", []string{"replay", "--expected-failures", "/does/not/exist"}, nil, "", 2, "", "/does/not/exist"},
		{"replay: a socket that does not exist", []string{"replay", "--wait", "0s", "--level", "this-plugin", "--plugin", "unix:///does/not/exist", "../../fixtures/scenarios"}, nil, "", 3, "", "there is no plugin at unix:///does/not/exist"},
		{"replay: no address", []string{"replay", "--plugin", "ftp://x", "--run", "^exit-code$"}, nil, "", 2, "", "ftp://x"},
		{"replay: no InterLink", []string{"replay", "--wait", "0s", "--interlink", "unix:///does/not/exist", "--run", "^exit-code$"}, nil, "", 3, "", "there is no InterLink API server with a plugin at unix:///does/not/exist"},
		{"replay: InterLink and a plugin", []string{"replay", "--interlink", "unix:///x", "--plugin", "unix:///y"}, nil, "", 2, "", "--interlink stands in the place of --plugin"},
		{"replay: a list for InterLink", []string{"replay", "--list", "--interlink", "unix:///does/not/exist", "--run", "^volume-hostpath-refused$"}, nil, "", 2, "", "has the level core, optional"},
		{"replay: no kubeconfig", []string{"replay", "--kubeconfig", "/does/not/exist", "../../fixtures/scenarios"}, nil, "", 2, "", "/does/not/exist"},
		{"replay: --play-nodes without a kubeconfig", []string{"replay", "--play-nodes", "../../fixtures/scenarios"}, nil, "", 2, "", "name its kubeconfig"},
		{"replay: a list", []string{"replay", "--list", "--run", "^exit-code$"}, nil, "", 0, "no time  exit-code\n1 of 1 scenarios are played, ", ""},
		{"replay: a list for a plugin that need not be there", []string{"replay", "--list", "--level", "core,this-plugin", "--plugin", "unix:///does/not/exist", "--run", "^quota-waits$", "../../fixtures/scenarios"}, nil, "", 0,
			"quota-waits  skipped: it sets a quota", ""},
		{"replay: a profile", []string{"replay", "--list", "--level", "optional", "--plugin", "http://127.0.0.1:1", "--profile", "../../fixtures/profiles/slurm.yaml"}, nil, "", 0, ", 1 at the same time.\nAbout ", ""},
		{"replay: a profile of this plugin", []string{"replay", "--profile", "../../fixtures/profiles/slurm.yaml"}, nil, "", 2, "", "--plugin is needed"},
		{"replay: no profile", []string{"replay", "--plugin", "http://127.0.0.1:1", "--profile", "/does/not/exist"}, nil, "", 2, "", "/does/not/exist"},
		{"rules: one", []string{"rules", "create-4"}, nil, "", 0, "CREATE-4   (measured) After any other answer", ""},
		{"rules: a group", []string{"rules", "PING"}, nil, "", 0, "PING-2 ", ""},
		{"rules: none", []string{"rules", "BODY-1"}, nil, "", 2, "", "the contract has no rule BODY-1"},

		{"serve: no address", []string{"serve"}, nil, "", 2, "", "--listen is needed"},
		{"serve: an invalid speed", []string{"serve", "--listen", "http://127.0.0.1:0", "--speed", "0"}, nil, "", 2, "", "--speed"},
		{"serve: an invalid address", []string{"serve", "--listen", "ftp://x"}, nil, "", 1, "", "socket_address"},
		{"load: no plugin", []string{"load"}, nil, "", 2, "", "--plugin is needed"},
		{"load: no pods", []string{"load", "--plugin", "unix:///x", "--pods", "0"}, nil, "", 2, "", "at least 1"},
		{"load: an argument", []string{"load", "x"}, nil, "", 2, "", "unexpected argument"},
		{"fault: no kubeconfig", []string{"fault"}, nil, "", 2, "", "--kubeconfig and --write-kubeconfig are needed"},
		{"fault: no form of a rule", []string{"fault", "--kubeconfig", "x", "--write-kubeconfig", "y", "--fail", "pods"}, nil, "", 2, "", "POST pods #2: 503"},
		{"fault: no such file", []string{"fault", "--kubeconfig", "/does/not/exist", "--write-kubeconfig", "y"}, nil, "", 1, "", "/does/not/exist"},
		{"fault: an argument", []string{"fault", "x"}, nil, "", 2, "", "unexpected argument"},
		{"fault: help", []string{"fault", "--help"}, nil, "", 0, "reset-before", ""},
		{"load: a socket that does not exist", []string{"load", "--plugin", "unix:///does/not/exist"}, nil, "", 3, "", "there is no plugin"},
		{"load: no address", []string{"load", "--plugin", "ftp://x"}, nil, "", 2, "", "ftp://x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), test.args, streams{strings.NewReader(test.stdin), &stdout, &stderr, test.environ, nil})
			if code != test.code || !strings.Contains(stdout.String(), test.stdout) || !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, test.code, &stdout, &stderr)
			}
		})
	}
}

// A failed scenario fails the command, and appears in the table, the JSON and the page.
func TestReplayReportsAFailedScenario(t *testing.T) {
	folder := t.TempDir()
	text, err := os.ReadFile("../../fixtures/scenarios/exit-code.yaml")
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(text), "exitCode: 3", "exitCode: 4", 1)
	if wrong == string(text) {
		t.Fatal("the scenario does not contain exitCode: 3")
	}
	file, jsonFile, page, junit := filepath.Join(folder, "wrong.yaml"), filepath.Join(folder, "r.json"), filepath.Join(folder, "new", "r.html"), filepath.Join(folder, "r.xml")
	if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := []string{"replay", "--report", "json=" + jsonFile + ",html=" + page, "--report", "junit=" + junit, file}
	if code := run(t.Context(), args, streams{nil, &stdout, &stderr, nil, nil}); code != 1 {
		t.Errorf("exit code %d", code)
	}
	const words = "has exit code 3, expected 4"
	if !strings.Contains(stdout.String(), words) || stderr.Len() > 0 {
		t.Errorf("%s\n%s", &stdout, &stderr)
	}
	written, err := os.Open(jsonFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = written.Close() }()
	var result report.Report
	if err := json.NewDecoder(written).Decode(&result); err != nil || len(result.Scenarios) != 1 || !strings.Contains(strings.Join(result.Scenarios[0].Texts(), ""), words) {
		t.Errorf("%v %+v", err, result)
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), words) {
		t.Errorf("%v; the page does not contain %q", err, words)
	}
	if xml, err := os.ReadFile(junit); err != nil || !strings.Contains(string(xml), `failures="1"`) {
		t.Errorf("%v\n%s", err, xml)
	}
	if code := run(t.Context(), []string{"replay", "--report", "json=" + filepath.Join(file, "r.json"), file}, streams{nil, io.Discard, &stderr, nil, nil}); code != 1 || !strings.Contains(stderr.String(), "not a directory") {
		t.Errorf("report in a folder that is a file: exit code %d, %s", code, &stderr)
	}
}

// A failure that is expected does not fail the command; a pass that is not does.
func TestReplayWithExpectedFailures(t *testing.T) {
	text, err := os.ReadFile("../../fixtures/scenarios/exit-code.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	wrong, list := filepath.Join(folder, "wrong.yaml"), filepath.Join(folder, "expected")
	if err := os.WriteFile(wrong, bytes.Replace(text, []byte("exitCode: 3"), []byte("exitCode: 4"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		expected string
		code     int
		want     string
	}{
		{"wrong # a known fault\n", 0, "total: 1 of 2 passed (1 failed, 1 of them expected)"},
		{"wrong\nplain-pod\n", 1, "Scenario plain-pod passed, and is listed as an expected failure"},
		{"# none\n", 1, "1 scenario failed."},
		{"wrnog\n", 2, "there is no scenario wrnog"},
	} {
		if err := os.WriteFile(list, []byte(c.expected), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		args := []string{"replay", "--expected-failures", list, wrong, "../../fixtures/scenarios/plain-pod.yaml"}
		if code := run(t.Context(), args, streams{nil, &out, &out, nil, nil}); code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%q: exit code %d, want %d and %q\n%s", c.expected, code, c.code, c.want, &out)
		}
	}
}

// writerFunc is a writer that calls a function.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Ctrl-C ends a replay; what was played until then is reported.
func TestInterruptedReplayIsReported(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out bytes.Buffer
	// The first output is the progress after a tenth of the scenarios.
	first := writerFunc(func(p []byte) (int, error) { interrupt(); return out.Write(p) })
	file := filepath.Join(t.TempDir(), "r.json")
	args := []string{"replay", "--parallel", "1", "--report", "json=" + file, "--run", "^volume-"}
	if code := run(ctx, args, streams{nil, first, io.Discard, nil, nil}); code != 1 || !strings.Contains(out.String(), "The replay was interrupted: ") {
		t.Errorf("exit code %d\n%s", code, &out)
	}
	text, err := os.ReadFile(file)
	var result report.Report
	if err != nil || json.Unmarshal(text, &result) != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if result.Interrupted == "" || result.Count(report.Passed) == 0 || result.Count(report.Skipped) == 0 {
		t.Errorf("interrupted %q: %s", result.Interrupted, result.Summary())
	}
}

// load and replay use the plugin that serve runs.
func TestLoadAndReplayAgainstServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	defer func() { stop(); serving.Wait() }() // the test's log must not be used later
	address := "unix://" + testkit.SocketPath(t)
	served, log := testkit.NewLog(t), testkit.NewLog(t)
	ended := make(chan int, 1)
	serving.Go(func() {
		ended <- run(ctx, []string{"serve", "--listen", address, "--speed", "20", "../../fixtures/scenarios/exit-code.yaml"}, streams{nil, served, log, nil, nil})
	})
	testkit.Eventually(t, "the plugin listens", func() bool {
		return strings.Contains(served.String(), "the plugin listens on "+address)
	})
	var stdout, stderr bytes.Buffer
	results := filepath.Join(t.TempDir(), "l.json")
	args := []string{"load", "--plugin", address, "--pods", "20", "--interval", "50ms", "--json", results}
	if code := run(ctx, args, streams{nil, &stdout, &stderr, nil, nil}); code != 0 || !strings.Contains(stdout.String(), ": 20 succeeded, 0 failed") {
		t.Errorf("load: exit code %d\n%s\n%s", code, &stdout, &stderr)
	}
	if text, err := os.ReadFile(results); err != nil || !json.Valid(text) {
		t.Errorf("%v %s", err, text)
	}
	stdout.Reset()
	args = []string{"replay", "--plugin", address, "--level", "this-plugin", "../../fixtures/scenarios/volume-hostpath-refused.yaml"}
	if code := run(ctx, args, streams{nil, &stdout, &stderr, nil, nil}); code != 1 || !strings.Contains(stdout.String(), "(1 skipped)") || !strings.Contains(stdout.String(), "No scenario was judged.") {
		t.Errorf("replay: exit code %d\n%s\n%s", code, &stdout, &stderr)
	}
	interrupted, cancel := context.WithCancel(ctx)
	cancel()
	stderr.Reset()
	if code := run(interrupted, []string{"replay", "--plugin", address, "--level", "this-plugin", "../../fixtures/scenarios"}, streams{nil, &stdout, &stderr, nil, nil}); code != 1 || stderr.Len() == 0 {
		t.Errorf("interrupted: exit code %d, %s", code, &stderr)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("serve: exit code %d, %s", code, log)
	}
}
