package cluster

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What answers that are not about the request say about the API server: a proxy's own words mean that none answered. The
// API server itself answers in text when it starts, or has too much to do.
func TestWhoAnswersWithAnError(t *testing.T) {
	const status = `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no"}`
	for _, test := range []struct {
		code       int
		kind, body string
		want       verdict
	}{
		{429, textType, "slow down", undecided},
		{500, textType, "starting", undecided},
		{503, textType, "starting", undecided},
		{502, textType, "bad gateway", unreachable},
		{504, textType, "gateway timeout", unreachable},
		{429, htmlType, page, unreachable},
		{503, htmlType, page, unreachable},
		{502, htmlType, page, unreachable},
		{503, jsonType, status, answered},
		{404, jsonType, status, answered},
		{404, htmlType, page, unreachable},
		{403, jsonType, status, forbidden},
		{401, jsonType, status, rejected},
		{401, htmlType, page, unreachable},
	} {
		got := verdict(-1)
		transport := answerTransport{seen: func(_ target, what verdict, _ error) { got = what }, next: roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: test.code, Header: http.Header{"Content-Type": {test.kind}}, Body: io.NopCloser(strings.NewReader(test.body))}, nil
		})}
		response, err := transport.RoundTrip(httptest.NewRequest(http.MethodGet, "/api/v1/namespaces/n/pods/p", nil))
		if err == nil {
			_ = response.Body.Close()
		}
		if got != test.want {
			t.Errorf("%d %s: the verdict is %d, want %d", test.code, test.kind, got, test.want)
		}
	}
}
