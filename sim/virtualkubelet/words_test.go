package virtualkubelet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
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

// An error that is JSON is told by its text, not by the headers and dicts around it.
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
