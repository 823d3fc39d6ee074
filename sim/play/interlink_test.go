package play

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/interlinkapi"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// interLinkBefore starts an InterLink API server in front of the plugin at an address.
func interLinkBefore(address string, _ kubernetes.Interface) (front string, stop func()) {
	api := interlinkapi.New(address)
	server := httptest.NewServer(api)
	return server.URL, func() { server.Close(); api.Close() }
}

// Through InterLink, this plugin passes the same scenarios as without it.
func TestCoreScenariosThroughInterLink(t *testing.T) {
	files := slices.DeleteFunc(scenarios(t), func(f *scenario.File) bool { return f.Level != scenario.LevelCore })
	if len(files) < 10 {
		t.Fatalf("there are %d scenarios of level core", len(files))
	}
	result, err := Run(t.Context(), files, Options{InterLink: true, intercept: interLinkBefore})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Scenarios {
		if s.Verdict != report.Passed {
			t.Errorf("%s is %s: %q %s", s.Name, s.Verdict, s.Texts(), s.Skipped)
		}
	}
}

// A refusal that Kubernetes' words are expected in has them through InterLink too.
func TestRefusalThroughInterLink(t *testing.T) {
	result, err := Run(t.Context(), scenarios(t, "policy-privileged-refused"), Options{InterLink: true, intercept: interLinkBefore})
	if err != nil {
		t.Fatal(err)
	}
	if s := result.Scenarios[0]; s.Verdict != report.Passed {
		t.Errorf("%s is %s: %q", s.Name, s.Verdict, s.Texts())
	}
}

// A plugin that does not answer InterLink is not taken for one that answers an error.
func TestPluginThatDoesNotAnswerInterLink(t *testing.T) {
	for name, test := range map[string]struct {
		fault func(http.ResponseWriter)
		want  string
	}{
		"no answer": {closeConnection, "HTTP-5: the plugin did not answer POST /create: InterLink says"},
		"an error": {func(w http.ResponseWriter) { http.Error(w, "no <room>", http.StatusInternalServerError) },
			"answered 500: no <room>"},
	} {
		t.Run(name, func(t *testing.T) {
			plugin := &liar{before: func(w http.ResponseWriter, path string, _ []corev1.Pod) bool {
				if path == "/create" {
					test.fault(w)
				}
				return path == "/create"
			}}
			front, stop := interLinkBefore(plugin.serve(t), nil)
			t.Cleanup(stop)
			result, err := Run(t.Context(), scenarios(t, "exit-code"), Options{Plugin: front, InterLink: true, virtual: true})
			if err != nil {
				t.Fatal(err)
			}
			if result.Plugin != "through InterLink at "+front {
				t.Errorf("the report says %q", result.Plugin)
			}
			var texts strings.Builder
			for _, d := range result.Scenarios[0].Differences {
				texts.WriteString(d.String() + "\n")
			}
			if result.Scenarios[0].Verdict != report.Failed || !strings.Contains(texts.String(), test.want) {
				t.Errorf("%s: %s; want %q", result.Scenarios[0].Verdict, texts.String(), test.want)
			}
		})
	}
}

// InterLink itself refuses a request for the last lines and the first bytes of a log.
func TestRequestsForLogsThatInterLinkRefuses(t *testing.T) {
	file := scenarios(t, "plain-pod")[0]
	pod := file.Expect.Pods["app"]
	pod.Logs = []scenario.LogExpectation{{Container: "main", Tail: 2, Bytes: 3}}
	file.Expect.Pods = map[string]scenario.PodExpectation{"app": pod}
	if reason := skipReason(file, Options{Plugin: "http://x", InterLink: true}); !strings.Contains(reason, "LOGS-8") {
		t.Errorf("it is skipped because %q", reason)
	}
	if reason := skipReason(file, Options{}); reason != "" {
		t.Errorf("without InterLink it is skipped: %s", reason)
	}
}
