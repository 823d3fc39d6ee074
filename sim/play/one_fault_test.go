package play

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// A call that is not answered fails its scenario with one difference, and no other
// scenario.
func TestOneFaultOneScenario(t *testing.T) {
	for _, path := range []string{"/create", "/status", "/delete", "/getLogs"} {
		t.Run(path, func(t *testing.T) {
			var playing atomic.Value // the name of a scenario; the server reads it
			playing.Store("")
			faulty := "env-resolved"
			if path == "/getLogs" {
				faulty = "plain-pod" // the other one asks for no log
			}
			plugin := &liar{before: func(w http.ResponseWriter, called string, pods []corev1.Pod) bool {
				isPing := called == "/status" && len(pods) == 0
				if called != path || isPing || playing.Load() != faulty {
					return false
				}
				closeConnection(w)
				return true
			}}
			result, err := Run(t.Context(), scenarios(t, "plain-pod", "env-resolved"), Options{
				Plugin: plugin.serve(t), Parallel: 1, virtual: true, Started: func(name string) { playing.Store(name) },
			})
			if err != nil {
				t.Fatal(err)
			}
			env, plain := result.Scenarios[0], result.Scenarios[1]
			if path == "/getLogs" {
				env, plain = plain, env
			}
			if env.Verdict != report.Failed || len(env.Differences) != 1 || !strings.Contains(env.Differences[0].String(), "HTTP-5: the plugin did not answer") ||
				!strings.Contains(env.Differences[0].Text, path+": the connection was closed") {
				t.Errorf("%s is %s: %q", env.Name, env.Verdict, env.Differences)
			}
			if strings.Contains(strings.Join(plain.Texts(), ""), "answer") {
				t.Errorf("%s is %s: %q", plain.Name, plain.Verdict, plain.Texts())
			}
		})
	}
}

// A plugin that does not answer any more fails the scenario that finds it out; the
// others are not judged.
func TestPluginThatIsGone(t *testing.T) {
	down := false
	plugin := &liar{before: func(w http.ResponseWriter, path string, _ []corev1.Pod) bool {
		if down = down || path == "/create"; down {
			closeConnection(w)
		}
		return down
	}}
	result, err := Run(t.Context(), scenarios(t, "env-resolved", "exit-code", "plain-pod"), Options{Plugin: plugin.serve(t), Parallel: 1, virtual: true, recovery: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if first := result.Scenarios[0]; first.Verdict != report.Failed {
		t.Errorf("%s is %s", first.Name, first.Verdict)
	}
	for _, s := range result.Scenarios[1:] {
		if s.Verdict != report.NotJudged || !strings.Contains(strings.Join(s.NotJudged, ""), "does not answer any more since env-resolved") {
			t.Errorf("%s is %s: %q", s.Name, s.Verdict, s.NotJudged)
		}
	}
	result.ExpectFailures([]string{"env-resolved"})
	if problems := strings.Join(result.Problems(), "\n"); !strings.Contains(problems, "The plugin does not answer any more since env-resolved") {
		t.Errorf("problems %s", problems)
	}
}

// The last scenario is looked at too: a plugin that it ended is gone.
func TestPluginThatTheLastScenarioEnds(t *testing.T) {
	down := false
	plugin := &liar{before: func(w http.ResponseWriter, path string, _ []corev1.Pod) bool {
		if down = down || path == "/delete"; down {
			closeConnection(w)
		}
		return down
	}}
	result, err := Run(t.Context(), scenarios(t, "env-resolved"), Options{Plugin: plugin.serve(t), virtual: true, recovery: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(result.PluginGone, "does not answer any more since env-resolved") {
		t.Errorf("the plugin is gone: %q", result.PluginGone)
	}
}

// The command of the profile restarts a plugin that does not answer.
func TestPluginIsRestarted(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started")
	down := false
	plugin := &liar{before: func(w http.ResponseWriter, path string, _ []corev1.Pod) bool {
		if _, err := os.Stat(started); err == nil {
			return false
		}
		if down = down || path == "/create"; down {
			closeConnection(w)
		}
		return down
	}}
	options := Options{
		Plugin: plugin.serve(t), Parallel: 1, virtual: true, restartAfter: time.Nanosecond,
		Profile: &profile.Profile{Spec: profile.Spec{Restart: "touch " + started}},
	}
	result, err := Run(t.Context(), scenarios(t, "env-resolved", "plain-pod"), options)
	if err != nil {
		t.Fatal(err)
	}
	if first, last := result.Scenarios[0], result.Scenarios[1]; first.Verdict != report.Failed || strings.Contains(strings.Join(append(last.Texts(), last.NotJudged...), ""), "answer") {
		t.Errorf("%s is %s, %s is %s: %q", first.Name, first.Verdict, last.Name, last.Verdict, last.NotJudged)
	}
}

// A replay that is interrupted reports on what was played until then.
func TestInterruptedReplay(t *testing.T) {
	ctx, interrupt := context.WithCancelCause(t.Context())
	defer interrupt(nil)
	why := errors.New("the user pressed Ctrl-C")
	names := map[string]bool{}
	plugin := &liar{}
	plugin.before = func(_ http.ResponseWriter, path string, pods []corev1.Pod) bool {
		if path == "/create" {
			if names[pods[0].Name] = true; len(names) == 2 {
				interrupt(why)
			}
		}
		return false
	}
	deleted := 0
	before := plugin.before
	plugin.before = func(w http.ResponseWriter, path string, pods []corev1.Pod) bool {
		if path == "/delete" {
			deleted++
		}
		return before(w, path, pods)
	}
	result, err := Run(ctx, scenarios(t, "exit-code", "killed-by-signal", "plain-pod"), Options{Plugin: plugin.serve(t), Parallel: 1, virtual: true})
	if !errors.Is(err, why) || result == nil {
		t.Fatalf("report %v, error %v", result, err)
	}
	first, second, third := result.Scenarios[0], result.Scenarios[1], result.Scenarios[2]
	if first.Verdict != report.Failed || second.Verdict != report.NotJudged || third.Verdict != report.Skipped {
		t.Errorf("%s %s %q, %s %s %q, %s %s %q", first.Name, first.Verdict, first.Texts(), second.Name, second.Verdict, second.NotJudged, third.Name, third.Verdict, third.Skipped)
	}
	if deleted != 2 {
		t.Errorf("%d pods were deleted, want those of the two scenarios that began", deleted)
	}
}

// Answers that do not have a pod count only if the user sees something wrong in the end.
func TestStaleStatuses(t *testing.T) {
	for _, test := range []struct {
		name     string
		leftOut  int // how many polls in a row do not have the pod
		from     int
		isWrong  bool
		scenario string
	}{
		{"the plugin's own cache is late", 1, 2, false, "env-resolved"},
		{"the pod is never in the answer", 1000, 2, true, "env-resolved"},
	} {
		t.Run(test.name, func(t *testing.T) {
			polls := 0
			plugin := &liar{before: func(w http.ResponseWriter, path string, pods []corev1.Pod) bool {
				if path != "/status" || len(pods) == 0 {
					return false
				}
				polls++
				leftOut := polls >= test.from && polls < test.from+test.leftOut
				if leftOut {
					_, _ = w.Write([]byte("[]"))
				}
				return leftOut
			}}
			result, err := Run(t.Context(), scenarios(t, test.scenario), Options{Plugin: plugin.serve(t), virtual: true})
			if err != nil {
				t.Fatal(err)
			}
			played := result.Scenarios[0]
			differences, notes := strings.Join(played.Texts(), "\n"), strings.Join(played.Notes, "\n")
			if got := strings.Contains(differences, "STATUS-11"); got != test.isWrong {
				t.Errorf("differences %s", differences)
			}
			if got := strings.Contains(notes, "STATUS-11, which the user does not notice"); got == test.isWrong {
				t.Errorf("notes %s", notes)
			}
			if test.isWrong && (len(played.Differences) != 1 || !strings.Contains(strings.Join(played.Differences[0].FollowOns, "\n"), "showed the phases Pending, Running; expected were ")) {
				t.Errorf("differences %s", differences)
			}
		})
	}
}
