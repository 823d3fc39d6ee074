package virtualkubelet

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/interlinkapi"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// front is an InterLink API server in front of a plugin, which records the calls of the
// virtual kubelet.
type front struct {
	http.Handler
	calls []string
	types []string // Content-Type
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, number, _ := strings.Cut(r.Header.Get(wire.SessionHeader), "#")
	if number == "" {
		kind = "no number: " + kind
	}
	f.calls = append(f.calls, r.Method+" "+r.URL.Path+" "+kind)
	f.types = append(f.types, r.Header.Get("Content-Type"))
	f.Handler.ServeHTTP(w, r)
}

// newKubeletBehindInterLink returns a virtual kubelet that calls a plugin through InterLink;
// plugin may be nil: then no plugin is there.
func newKubeletBehindInterLink(t *testing.T, plugin http.Handler) (*Kubelet, *front) {
	t.Helper()
	server := httptest.NewServer(plugin)
	if plugin == nil {
		server.Close()
	}
	t.Cleanup(server.Close)
	api := interlinkapi.New(server.URL)
	t.Cleanup(api.Close)
	f := &front{Handler: api}
	frontServer := httptest.NewServer(f)
	t.Cleanup(frontServer.Close)
	k, err := New(Config{Plugin: frontServer.URL, InterLink: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k, f
}

func TestCallsToInterLinkDuringTheLifeOfAPod(t *testing.T) {
	plugin := &fakePlugin{status: answerWith(status("a", running()))}
	k, f := newKubeletBehindInterLink(t, plugin)
	if _, err := k.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, k, neverRestarted("p", "a"))
	if err := k.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	plugin.status = answerWith(status("a", terminated(0)))
	if err := k.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	log, err := k.Logs(t.Context(), "p", "a", wire.LogOpts{Tail: 1})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(log); err != nil || string(text) != "a line\n" {
		t.Errorf("log %q, %v", text, err)
	}
	_ = log.Close()
	if err := k.Delete(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	wantPhases(t, k, "p", corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded)
	want := []string{
		"POST /pinglink PingInterLink", "POST /create CreatePod", "GET /status GetStatus", "GET /status GetStatus",
		"GET /getLogs GetLogs", "DELETE /delete DeletePod",
	}
	if diff := cmp.Diff(want, f.calls); diff != "" {
		t.Errorf("calls of the virtual kubelet (-want +got):\n%s", diff)
	}
	for i, name := range map[int]string{0: "02-ping", 1: "01-create", 2: "03-status", 5: "04-delete"} {
		var recorded struct {
			Method, RequestURI string
			Headers            http.Header
		}
		testkit.ReadWire(t, "virtual-kubelet/"+name+".request.meta.json", &recorded)
		kind, _, _ := strings.Cut(recorded.Headers.Get(wire.SessionHeader), "#")
		if call := recorded.Method + " " + recorded.RequestURI + " " + kind; f.calls[i] != call || f.types[i] != recorded.Headers.Get("Content-Type") {
			t.Errorf("%s: %q %q; the real virtual kubelet sent %q %q", name, f.calls[i], f.types[i], call, recorded.Headers.Get("Content-Type"))
		}
	}
	want = []string{
		"GET /status PingInterLink", "POST /create CreatePod", "GET /status GetStatus", "GET /status GetStatus",
		"GET /getLogs GetLogs", "POST /delete DeletePod",
	}
	if diff := cmp.Diff(want, plugin.calls); diff != "" {
		t.Errorf("calls that the plugin received (-want +got):\n%s", diff)
	}
}

// A refusal has the plugin's own number and text: what InterLink puts around them is gone,
// and the user reads each special character escaped once.
func TestRefusalThroughInterLink(t *testing.T) {
	const text = `{"detail":"no <quota> & \"q\""}`
	refuse := &fakePlugin{create: func(w http.ResponseWriter, _ interlink.CreateBody) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, text)
	}}
	through, _ := newKubeletBehindInterLink(t, refuse)
	direct := newKubelet(t, refuse)
	for _, k := range []*Kubelet{through, direct} {
		var refusal *Refusal
		if err := k.Create(t.Context(), podOf("p", "a")); !errors.As(err, &refusal) || refusal.Status != 422 || refusal.Body != text {
			t.Errorf("create: %v", err)
		}
	}
	if diff := cmp.Diff(direct.Status("p").Message, through.Status("p").Message); diff != "" {
		t.Errorf("message (-direct +through InterLink):\n%s", diff)
	}
}

// Statuses of earlier answers are InterLink's affair: an answer of null says that it has none.
func TestStatusesThroughInterLink(t *testing.T) {
	plugin := &fakePlugin{status: answerWithText(200, "[]")}
	k, _ := newKubeletBehindInterLink(t, plugin)
	mustCreate(t, k, neverRestarted("p", "a"))
	var stale *StaleStatus
	if err := k.Poll(t.Context()); !errors.As(err, &stale) || stale.Rule != "STATUS-11" {
		t.Errorf("poll: %v; want a *StaleStatus of STATUS-11", err)
	}
	plugin.status = answerWith(status("a", running()))
	if err := k.Poll(t.Context()); err != nil {
		t.Error(err)
	}
	plugin.status = answerWithText(200, "[]") // InterLink sends the status before once more
	if err := k.Poll(t.Context()); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{"busy": "answered 503: busy", "<html>": "the answer is empty"} {
		plugin.status = answerWithText(503, text)
		if text == "<html>" {
			plugin.status = answerWithText(200, text)
		}
		if err := k.Poll(t.Context()); !errors.As(err, &stale) || stale.Rule != "STATUS-10" || !strings.Contains(err.Error(), want) {
			t.Errorf("poll: %v; want %q", err, want)
		}
	}
	if len(k.answers) > 0 {
		t.Error("the virtual kubelet keeps statuses although InterLink does")
	}
	wantPhases(t, k, "p", corev1.PodPending, corev1.PodRunning)
}

// InterLink answers 500 without a text if the plugin does not answer.
func TestPluginThatDoesNotAnswerInterLink(t *testing.T) {
	k, f := newKubeletBehindInterLink(t, nil)
	var calls []string
	k.client.observe = func(c Call) {
		if c.Status != 0 || !errors.Is(c.Err, errNoAnswer) {
			t.Errorf("%s: status %d, %v", c.Name, c.Status, c.Err)
		}
		calls = append(calls, c.Name)
	}
	if err := k.CheckPlugin(t.Context()); err == nil || !strings.Contains(err.Error(), "there is no InterLink API server with a plugin at http://") {
		t.Errorf("check: %v", err)
	}
	if err := k.Create(t.Context(), podOf("p", "a")); err == nil || !strings.Contains(err.Error(), "was not answered: InterLink says") {
		t.Errorf("create: %v", err)
	}
	if _, err := k.Logs(t.Context(), "p", "a", wire.LogOpts{}); err == nil {
		t.Error("no error for logs")
	}
	if err := k.Delete(t.Context(), "p"); err == nil {
		t.Error("no error for the delete")
	}
	if want := []string{"Ping", "CreatePod", "GetLogs", "DeletePod"}; !slices.Equal(calls, want) {
		t.Errorf("unanswered calls %q; want %q", calls, want)
	}
	if f.calls[0] != "POST /pinglink PingInterLink" {
		t.Errorf("calls %q", f.calls)
	}
}

// A plugin at the address instead of InterLink is found out.
func TestPluginInThePlaceOfInterLink(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	k, err := New(Config{Plugin: server.URL, InterLink: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	if err := k.CheckPlugin(t.Context()); err == nil || !strings.Contains(err.Error(), "ping was answered 404") {
		t.Errorf("check: %v", err)
	}
}

func TestUnwrappedAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		at             request
		status         int
		answer         string
		want           int
		text, errorHas string
	}{
		"good":            {toInterLink.create, 200, `{"PodUID":"&amp;"}`, 200, `{"PodUID":"&amp;"}`, ""},
		"wrapped":         {toInterLink.create, 403, "HTTP InterLink session CreatePod#7:  call exit status: 500. Body: {&#34;detail&#34;:&#34;Body: &lt;b&gt;&#34;}", 403, `{"detail":"Body: <b>"}`, ""},
		"wrapped nothing": {toInterLink.remove, 500, "HTTP InterLink session DeletePod#7:  call exit status: 500. Body: ", 500, "", ""},
		"its own":         {toInterLink.logs, 400, "Both Tail and LimitBytes set. Body: set only one of them", 400, "Both Tail and LimitBytes set. Body: set only one of them", ""},
		"no plugin":       {toInterLink.status, 500, "", 0, "", "has not answered"},
		"ping, no plugin": {toInterLink.ping, 500, "503", 0, "", "has not answered"},
		"ping, unhealthy": {toInterLink.ping, 503, "HTTP InterLink session x:  call exit status: 500. Body: later503", 503, "later", ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, text, err := unwrap(test.at, test.status, []byte(test.answer))
			if status != test.want || string(text) != test.text || (err != nil) != (test.errorHas != "") || err != nil && !strings.Contains(err.Error(), test.errorHas) {
				t.Errorf("%d %q, %v; want %d %q", status, text, err, test.want, test.text)
			}
		})
	}
}
