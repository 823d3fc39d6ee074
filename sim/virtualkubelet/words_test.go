package virtualkubelet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// What is wrong with an answer is said without the words of Go and of HTML.
func TestWordsForWrongAnswers(t *testing.T) {
	const created, statuses = "one object with PodUID and PodJID", "a list of statuses"
	for _, test := range []struct {
		answer, want string
		into         any
		text         string
	}{
		{"", created, &wire.CreateResponse{}, "the answer is empty, not one object with PodUID and PodJID"},
		{`[{"PodUID":"u"}]`, created, &wire.CreateResponse{}, `the answer is a list, not one object with PodUID and PodJID: [{"PodUID":"u"}]`},
		{`{"PodUID":7}`, created, &wire.CreateResponse{}, `field PodUID of the answer is a number, not a text: {"PodUID":7}`},
		{`{}`, statuses, &[]wire.PodStatus{}, "the answer is an object, not a list of statuses: {}"},
		{`[{"containers":"none"}]`, statuses, &[]wire.PodStatus{}, `field containers of the answer is a text, not a list: [{"containers":"none"}]`},
		{"Running", statuses, &[]wire.PodStatus{}, "the answer is not JSON: Running"},
		{"<!doctype html>\n<html lang=en><title>500 Internal Server Error</title>\n<h1>Internal</h1>", created, &wire.CreateResponse{}, `the answer is not one object with PodUID and PodJID: a page "500 Internal Server Error"`},
		{"<html><style>x</style><body><p>It&#39;s  broken</p></body></html>", created, &wire.CreateResponse{}, `the answer is not one object with PodUID and PodJID: a page "It's broken"`},
	} {
		err := json.Unmarshal([]byte(test.answer), test.into)
		if got := describeJSONError([]byte(test.answer), err, test.want); got != test.text {
			t.Errorf("%q:\ngot  %s\nwant %s", test.answer, got, test.text)
		}
	}
}

func TestWordsForCallsWithoutAnswer(t *testing.T) {
	network := func(err error) error {
		return &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{Port: 9}, Err: os.NewSyscallError("read", err)}
	}
	for want, err := range map[string]error{
		"the connection was reset":                                       network(syscall.ECONNRESET),
		"the connection was refused":                                     network(syscall.ECONNREFUSED),
		"the connection was closed before the answer was complete (EOF)": fmt.Errorf("the answer ended early: %w", io.ErrUnexpectedEOF),
		"the answer was not complete within 2s":                          errors.New("the answer was not complete within 2s"),
	} {
		if got := Cause(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

// An error that is JSON is shown by its text, not by the headers and dicts around it.
func TestMessageOfAnError(t *testing.T) {
	for answer, want := range map[string]string{
		`{"detail":"no room"}`:                  "no room",
		` {"error":"busy","code":503}`:          "busy",
		`{"message":""}`:                        `{"message":""}`,
		`{"detail":[{"loc":"body"}]}`:           `{"detail":[{"loc":"body"}]}`,
		`{"detail":"x {\"a\":1}"}`:              `x {"a":1}`,
		"plain":                                 "plain",
		"<html><title>Not Found</title></html>": `a page "Not Found"`,
		`{"detail":"(409)\nHTTP response headers: HTTPHeaderDict({'Audit-Id': '4a'})\nHTTP response body: {\"kind\":\"Status\",\"message\":\"configmaps \\\"c\\\" already exists\"}\n"}`: `configmaps "c" already exists`,
	} {
		if got := message([]byte(answer)); got != want {
			t.Errorf("%s: %s, want %s", answer, got, want)
		}
	}
}

// The path of an address comes before the path of each call.
func TestAddressWithPath(t *testing.T) {
	for address, base := range map[string]string{
		"http://localhost:4000": "http://localhost:4000", "http://localhost:4000/": "http://localhost:4000",
		"http://host/prefix/": "http://host/prefix", "http://host:1/a%20b/c": "http://host:1/a%20b/c",
	} {
		if c, err := newClient(Config{Plugin: address}); err != nil || c.base != base {
			t.Errorf("%s: %v, error %v", address, c, err)
		}
	}
}

// Only a connection that was not used for a while is an idle one.
func TestLostOnIdle(t *testing.T) {
	reset := os.NewSyscallError("read", syscall.ECONNRESET)
	for _, test := range []struct {
		call         Call
		onIdle, lost bool
	}{
		{Call{Err: reset, Idle: 2 * time.Second}, true, true},
		{Call{Err: reset, Idle: time.Millisecond}, false, true},
		{Call{Err: reset}, false, true},
		{Call{Err: io.EOF, Idle: time.Minute}, false, true},
		{Call{Err: errors.New("the answer was not complete within 2s"), Idle: time.Minute}, false, false},
		{Call{Idle: time.Minute}, false, false},
	} {
		if onIdle, lost := test.call.LostOnIdle(), test.call.LostConnection(); onIdle != test.onIdle || lost != test.lost {
			t.Errorf("%+v: on an idle connection %v, lost %v", test.call, onIdle, lost)
		}
	}
}

// How long a connection was idle is measured by the clock of the local cluster.
func TestIdleTimeOfAConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") }))
	t.Cleanup(server.Close)
	now, last := time.Now(), Call{}
	kubelet, err := New(Config{Plugin: server.URL, Options: interlink.Options{Clock: func() time.Time { return now }}, Observe: func(c Call) { last = c }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kubelet.Close)
	for i, want := range []time.Duration{0, time.Minute, 2 * time.Minute} {
		now = now.Add(time.Duration(i) * time.Minute)
		if _, err := kubelet.Ping(t.Context()); err != nil || last.Idle != want {
			t.Errorf("ping %d: idle for %s, want %s; error %v", i, last.Idle, want, err)
		}
	}
}
