package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

func answer500(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "no room", http.StatusInternalServerError)
}

func answer500WithPod(w http.ResponseWriter, r *http.Request) {
	var pods []corev1.Pod
	_ = json.NewDecoder(r.Body).Decode(&pods)
	http.Error(w, "pod "+pods[0].Name+" "+string(pods[0].UID), http.StatusInternalServerError)
}

func answerNoJSON(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func closeConnection(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func neverAnswer(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// Each call that fails is counted by its text, and the pods by their last state.
func TestErrorsAreCounted(t *testing.T) {
	var number atomic.Int64
	answer500WithNumber := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, fmt.Sprint("number ", number.Add(1)), http.StatusInternalServerError)
	}
	const short = 500 * time.Millisecond // for answers that never come
	notEnded := Pods{Requested: 20, NotEnded: 20}
	for _, test := range []struct {
		name      string
		faults    faults
		timeout   time.Duration // the default is testkit.Timeout
		call      string
		minErrors int
		text      string
		pods      Pods
	}{
		{"creates fail", faults{create: answer500}, 0, callCreate, 20, "answered 500: no room", Pods{Requested: 20, Failed: 20}},
		{"creates close the connection", faults{create: closeConnection}, 0, callCreate, 20, "no answer: the connection was closed", Pods{Requested: 20, Failed: 20}},
		{"creates are not answered", faults{create: neverAnswer}, short, callCreate, 20, "within 500ms", Pods{Requested: 20, Failed: 20}},
		{"each error has another text", faults{create: answer500WithNumber}, 0, callCreate, 20, "other errors", Pods{Requested: 20, Failed: 20}},
		{"status calls fail", faults{status: answer500}, 0, callStatus, 20, "answered 500: no room", notEnded},
		{"the errors name the pods", faults{status: answer500WithPod}, 0, callStatus, 20, "[{answered 500: pod <pod> <uid> ", notEnded},
		{"status answers are not JSON", faults{status: answerNoJSON}, 0, callStatus, 20, "not JSON", notEnded},
		{"status calls are not answered", faults{status: neverAnswer}, short, callStatus, 1, "within 500ms", notEnded},
		{"deletes fail", faults{delete: answer500}, 0, callDelete, 20, "answered 500: no room", Pods{Requested: 20, Succeeded: 20, NotDeleted: 20}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			options := Options{
				Plugin: fakePlugin(t, test.faults), Pods: 20, Concurrency: 20, Interval: time.Millisecond,
				CallTimeout: testkit.Timeout, Wait: testkit.Timeout,
			}
			if test.timeout != 0 {
				options.CallTimeout = test.timeout
			}
			if test.pods == notEnded { // only the end of the wait ends the load test
				options.Wait = 2 * time.Second
			}
			result, err := Run(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			c := calls(result, test.call)
			if texts := fmt.Sprint(c.Errors); c.ErrorCount < test.minErrors || !strings.Contains(texts, test.text) || strings.Contains(texts, "canceled") || len(c.Errors) > maxErrorTexts {
				t.Errorf("%d errors of %s: %s; want at least %d with %q", c.ErrorCount, test.call, texts, test.minErrors, test.text)
			}
			if answered := strings.Contains(test.text, "not JSON"); !answered && (c.PerSecond != 0 || c.Latency != Latencies{}) {
				t.Errorf("calls that failed have a throughput and latencies: %+v", c)
			}
			if !result.Failed() || result.Pods != test.pods {
				t.Errorf("Failed returns %v, the pods are %+v; want true, %+v", result.Failed(), result.Pods, test.pods)
			}
		})
	}
}

func TestAddressWithoutPlugin(t *testing.T) {
	website := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	t.Cleanup(website.Close)
	for address, text := range map[string]string{website.URL: "is no plugin", "unix:///nowhere": "there is no plugin", "x": "address"} {
		_, err := Run(t.Context(), Options{Plugin: address, Pods: 1, Concurrency: 1})
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error is %v, want one with %q", address, err, text)
		}
		if unreachable := address != "x"; errors.As(err, new(Unreachable)) != unreachable {
			t.Errorf("%s: the error is of type %T", address, err)
		}
	}
	if _, err := Run(t.Context(), Options{Plugin: website.URL}); err == nil {
		t.Error("Run returns no error for 0 pods")
	}
}
