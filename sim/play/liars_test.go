package play

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// allDeclared is a profile that declares everything and looks at nothing.
func allDeclared() *profile.Profile {
	p := &profile.Profile{Name: "liar", Spec: profile.Spec{ImpossibleRequest: map[string]string{"cpu": "5000"}, Restart: "true"}}
	for _, capability := range scenario.Capabilities {
		p.Capabilities = append(p.Capabilities, string(capability))
	}
	return p
}

// liars are plugins that run nothing, with the scenarios that each of them may pass: those
// in which nothing is expected to run.
var liars = []struct {
	name string
	new  func() http.Handler
	may  []string
}{
	{"says Running for 20 s and then exit code 0", func() http.Handler { return &liar{} }, nil},
	{"answers everything 200 without a body", func() http.Handler {
		return &liar{before: func(_ http.ResponseWriter, path string, pods []corev1.Pod) bool { return !isPing(path, pods) }}
	}, nil},
	{"answers everything with []", func() http.Handler { return answers("[]") }, nil},
	{"answers everything with {}", func() http.Handler { return answers("{}") }, nil},
	{"always says Running", func() http.Handler { return &liar{endsAfter: 1 << 30} }, nil},
	{"says that everything has ended at once", func() http.Handler { return &liar{endsAfter: -1} }, nil},
	{"has one log for all", func() http.Handler {
		return &liar{before: func(w http.ResponseWriter, path string, _ []corev1.Pod) bool {
			if path == "/getLogs" {
				_, _ = io.WriteString(w, "interlink-sim 123456789 run a\ninterlink-sim 123456789 end\nhello\n")
			}
			return path == "/getLogs"
		}}
	}, nil},
	{"knows the format, and repeats every text that it was sent", func() http.Handler { return &parrot{} }, nil},
}

func isPing(path string, pods []corev1.Pod) bool { return path == "/status" && len(pods) == 0 }

func answers(text string) http.Handler {
	return &liar{before: func(w http.ResponseWriter, path string, pods []corev1.Pod) bool {
		if !isPing(path, pods) {
			_, _ = io.WriteString(w, text)
		}
		return !isPing(path, pods)
	}}
}

// A plugin that runs nothing passes nothing that a plugin must run for.
func TestLiars(t *testing.T) {
	files := scenarios(t)
	for _, l := range liars {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			options := Options{
				Plugin: serveOutside(t, l.new()), virtual: true, Parallel: 8, Profile: allDeclared(),
				Levels: []scenario.Level{scenario.LevelCore, scenario.LevelOptional, scenario.LevelKubernetes},
			}
			result, err := Run(t.Context(), files, options)
			if err != nil {
				t.Fatal(err)
			}
			counts, passed := map[string]map[report.Verdict]int{}, []string(nil)
			for _, s := range result.Scenarios {
				level, _, _ := strings.Cut(s.Level, ":")
				if counts[level] == nil {
					counts[level] = map[report.Verdict]int{}
				}
				counts[level][s.Verdict]++
				if s.Verdict == report.Passed {
					passed = append(passed, s.Name)
				}
			}
			t.Log(fmt.Sprint(counts))
			if !slices.Equal(passed, l.may) {
				t.Errorf("it passes %q, and may pass %q", passed, l.may)
			}
		})
	}
}
