package play

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// resetConnection closes a connection so that the other side cannot read from it or write to it.
func resetConnection(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

// A plugin that closes an idle connection just when a create is sent on it breaks HTTP-6.
func TestIdleConnectionThatIsClosed(t *testing.T) {
	plugin := &liar{before: func(w http.ResponseWriter, path string, _ []corev1.Pod) bool {
		if path == "/create" {
			resetConnection(w)
		}
		return path == "/create"
	}}
	result, err := Run(t.Context(), scenarios(t, "keep-alive"), Options{Plugin: plugin.serve(t), virtual: true})
	if err != nil {
		t.Fatal(err)
	}
	if texts := strings.Join(result.Scenarios[0].Texts(), "\n"); !strings.Contains(texts, "HTTP-6: the plugin did not answer POST /create: the connection was reset") {
		t.Errorf("keep-alive: %s", texts)
	}
}

// A plugin that closes idle connections, and answers on new ones, is not blamed.
func TestIdleConnectionsThatAreClosedInTime(t *testing.T) {
	server := &liar{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plugin := &http.Server{Handler: server, ReadHeaderTimeout: time.Minute}
	plugin.SetKeepAlivesEnabled(false)
	go func() { _ = plugin.Serve(listener) }()
	t.Cleanup(func() { _ = plugin.Close() })
	result, err := Run(t.Context(), scenarios(t, "keep-alive"), Options{Plugin: "http://" + listener.Addr().String(), virtual: true})
	if err != nil {
		t.Fatal(err)
	}
	if played := result.Scenarios[0]; played.Verdict != report.Failed && played.Verdict != report.NotJudged || strings.Contains(strings.Join(played.Texts(), ""), "HTTP-") {
		t.Errorf("keep-alive is %s: %q", played.Verdict, played.Texts())
	}
}

// If a create was refused, and the plugin then does not answer the delete, the refusal is the cause.
func TestRefusalIsTheCause(t *testing.T) {
	plugin := &liar{before: func(w http.ResponseWriter, path string, _ []corev1.Pod) bool {
		switch path {
		case "/create":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "there is no room")
		case "/delete":
			closeConnection(w)
		}
		return path == "/create" || path == "/delete"
	}}
	result, err := Run(t.Context(), scenarios(t, "exit-code"), Options{Plugin: plugin.serve(t), virtual: true})
	if err != nil {
		t.Fatal(err)
	}
	found := result.Scenarios[0].Differences
	if len(found) != 1 || found[0].Rule != "CREATE-4" || !strings.Contains(found[0].Text, "there is no room") ||
		!strings.Contains(strings.Join(found[0].FollowOns, ""), "did not answer POST /delete") {
		t.Errorf("differences %+v", found)
	}
}

// A scenario during which nothing listened at the plugin's address is played once more.
func TestScenarioWithoutPluginIsPlayedAgain(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	plugin := &http.Server{Handler: &liar{}, ReadHeaderTimeout: time.Minute}
	go func() { _ = plugin.Serve(listener) }()
	t.Cleanup(func() { _ = plugin.Close() })
	began := 0
	result, err := Run(t.Context(), scenarios(t, "env-resolved"), Options{
		Plugin: "unix://" + socket, virtual: true, restartAfter: time.Nanosecond,
		Profile: &profile.Profile{Spec: profile.Spec{Restart: "mv " + socket + ".away " + socket}},
		Started: func(string) {
			if began++; began == 1 {
				if _, err := shell(t.Context(), "mv "+socket+" "+socket+".away"); err != nil {
					t.Error(err)
				}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	played := result.Scenarios[0]
	if strings.Contains(strings.Join(played.Texts(), ""), "did not answer") || !strings.Contains(strings.Join(played.Notes, ""), "played twice") {
		t.Errorf("%s is %s: %q, notes %q", played.Name, played.Verdict, played.Texts(), played.Notes)
	}
}

// A plugin that is started at the same time as the replay is waited for.
func TestPluginThatIsBeingStarted(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "socket")
	plugin := &http.Server{Handler: &liar{}, ReadHeaderTimeout: time.Minute}
	starts := time.AfterFunc(10*time.Millisecond, func() {
		if listener, err := net.Listen("unix", socket); err == nil {
			_ = plugin.Serve(listener)
		}
	})
	t.Cleanup(func() { starts.Stop(); _ = plugin.Close() })
	if _, err := Run(t.Context(), scenarios(t, "env-resolved"), Options{Plugin: "unix://" + socket, virtual: true, Startup: time.Hour}); err != nil {
		t.Fatal(err)
	}
}

// A step that changes the remote pod cannot happen where the remote cluster does not show one:
// that says nothing about the plugin.
func TestStepWithoutRemotePod(t *testing.T) {
	cluster := clusterWithNodes(t)
	result, err := Run(t.Context(), scenarios(t, "remote-pod-deleted"), Options{Plugin: (&liar{}).serve(t), Client: cluster, virtual: true})
	if err != nil {
		t.Fatal(err)
	}
	if played := result.Scenarios[0]; played.Verdict != report.NotJudged || !strings.Contains(strings.Join(played.NotJudged, ""), "has no remote pod") {
		t.Errorf("%s is %s: %q %q", played.Name, played.Verdict, played.Texts(), played.NotJudged)
	}
}

// A container that runs for less time than the plugin's cache of states needs need not be shown
// as running.
func TestShortRunAndCacheOfStates(t *testing.T) {
	for _, cache := range []time.Duration{0, 10 * time.Second} {
		plugin := &liar{endsAfter: -1} // it has ended at the first poll
		result, err := Run(t.Context(), scenarios(t, "pods-at-once"), Options{
			Plugin: plugin.serve(t), virtual: true,
			Profile: &profile.Profile{Spec: profile.Spec{SlackPerPod: metav1.Duration{Duration: cache}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		isMissing := strings.Contains(strings.Join(result.Scenarios[0].Texts(), "\n"), "pod pod-a showed the phases")
		if isMissing != (cache == 0) {
			t.Errorf("a cache of %s: %q", cache, result.Scenarios[0].Texts())
		}
	}
}

// A simulated node is lost for good after 40 s, and its pods fail 5 minutes later: also with a
// plugin that has an address.
func TestPlayTimeWithLostNode(t *testing.T) {
	options, err := Options{Plugin: "unix:///x", PlayNodes: true, Client: clusterWithNodes(t)}.complete()
	if err != nil {
		t.Fatal(err)
	}
	if got := options.playTime(); got < 6*time.Minute+30*time.Second || got >= options.Timeout {
		t.Errorf("pods may take %s to end; the timeout of the scenario is %s", got, options.Timeout)
	}
}
