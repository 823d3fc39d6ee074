package server

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Requests that no InterLink sends are refused in words, and reach no Lifecycle.
func TestHostileRequests(t *testing.T) {
	deep := func(open, inner, end string, times int) string {
		return strings.Repeat(open, times) + inner + strings.Repeat(end, times)
	}
	post := func(path, body string, headers ...string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n%s", path, len(body), strings.Join(headers, ""), body)
	}
	pod := func(spec string) string {
		return `{"pod":` + strings.TrimSuffix(goodPod, "}") + `,"spec":` + spec + `},"container":[]}`
	}
	for name, c := range map[string]struct {
		request string
		status  int
		word    string
	}{
		"a key twice":                          {post("/create", `{"pod":{},`+goodCreate[1:]), 422, "twice"},
		"a key twice in another case":          {post("/create", `{"POD":{},`+goodCreate[1:]), 422, "twice"},
		"a key twice deep in a pod":            {post("/create", pod(`{"containers":[{"name":"main","image":"a","image":"b"}]}`)), 422, "twice"},
		"a key twice in labels":                {post("/delete", strings.Replace(goodPod, `"metadata":{`, `"metadata":{"labels":{"a":"1","a":"2"},`, 1)), 422, "twice"},
		"a key twice in a log request":         {post("/getLogs", `{"Namespace":"other",`+goodLogs[1:]), 422, "twice"},
		"arrays in arrays":                     {post("/status", deep("[", "", "]", 1_000_000)), 422, "not"},
		"objects in objects":                   {post("/create", deep(`{"pod":`, "1", "}", 1_000_000)), 422, "not"},
		"objects in objects of an unknown key": {post("/create", `{"x":`+deep(`{"x":`, "1", "}", 1_000_000)+","+goodCreate[1:]), 422, "not"},
		"a number over 32 bits":                {post("/create", pod(`{"containers":[{"name":"main","ports":[{"containerPort":4294967376}]}]}`)), 422, "number"},
		"a number over 64 bits":                {post("/create", pod(`{"activeDeadlineSeconds":18446744073709551617,"containers":[]}`)), 422, "number"},
		"a number with a fraction":             {post("/create", pod(`{"activeDeadlineSeconds":1.5,"containers":[]}`)), 422, "number"},
		"a huge exponent":                      {post("/create", pod(`{"activeDeadlineSeconds":1e999999999,"containers":[]}`)), 422, "number"},
		"a quantity with a huge exponent":      {post("/create", pod(`{"containers":[{"name":"main","resources":{"limits":{"cpu":"1e999999999x"}}}]}`)), 422, "not valid"},
		"a compressed body":                    {post("/create", "\x1f\x8b", "Content-Encoding: gzip\r\n"), 415, "gzip"},
		"a path to a parent":                   {post("/create/../create", goodCreate), 404, "unknown path"},
		"a path with an encoded slash":         {post("/%2fcreate", goodCreate), 404, "unknown path"},
		"a path with two slashes":              {post("//create", goodCreate), 404, "unknown path"},
		"a path with a slash at its end":       {post("/create/", goodCreate), 404, "unknown path"},
		"a path in capitals":                   {post("/CREATE", goodCreate), 404, "unknown path"},
		"a path with a line in it":             {post("/create%0d%0aSet-Cookie:a", goodCreate), 404, "unknown path"},
		"another host in the request line":     {post("http://other/secrets", goodCreate), 404, "unknown path"},
		"two lengths":                          {post("/create", goodCreate, "Content-Length: 1\r\n"), 400, ""},
		"a negative length":                    {"POST /create HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, ""},
		"a length and chunks":                  {post("/create", "0\r\n\r\n", "Transfer-Encoding: chunked\r\n"), 422, "empty"},
		"an unknown transfer encoding":         {post("/create", goodCreate, "Transfer-Encoding: gzip\r\n"), 501, ""},
		"a space before a colon":               {post("/create", goodCreate, "X-Header : a\r\n"), 400, ""},
		// As many bytes as the server reads, so that none of them makes the kernel reset the connection.
		"headers that are too long": {"POST /create HTTP/1.1\r\nHost: x\r\nX-Header: " + strings.Repeat("a", 1<<20+4<<10), 431, ""},
		"no host":                   {"POST /create HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400, ""},
		"a tunnel":                  {"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\nConnection: close\r\n\r\n", 404, "unknown path"},
	} {
		t.Run(name, func(t *testing.T) {
			lifecycle := new(fake)
			run := start(t, Options{Lifecycle: lifecycle})
			connection := run.dial(t)
			// The server may answer and close before it has read everything.
			_, _ = io.WriteString(connection, c.request)
			response, err := http.ReadResponse(bufio.NewReader(connection), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != c.status || !strings.Contains(string(body), c.word) {
				t.Errorf("the answer is %d %.300s; want %d with %q", response.StatusCode, body, c.status, c.word)
			}
			if calls := lifecycle.takeCalls(); len(calls) > 0 {
				t.Errorf("the request reaches the lifecycle: %v", calls)
			}
			for _, header := range []string{"Set-Cookie", "Location"} {
				if value := response.Header.Get(header); value != "" {
					t.Errorf("the answer has the header %s: %s", header, value)
				}
			}
		})
	}
}
