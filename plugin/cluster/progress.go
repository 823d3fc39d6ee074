package cluster

import (
	"context"
	"io"
	"net/http"
)

// progressTransport tells who waits for an answer that something of it has arrived: its
// headers, and each part of its body. It is below the layers that read whole bodies.
type progressTransport struct{ next http.RoundTripper }

// progressKey is the key, in the context of a request, of a function to call.
type progressKey struct{}

// withProgress returns a context whose requests call arrived for all that arrives. The
// argument is true for a part of the body, and false for the headers: a proxy can answer
// with headers although no API server is behind it. What ctx asks for already is called, too.
func withProgress(ctx context.Context, arrived func(body bool)) context.Context {
	if outer, ok := ctx.Value(progressKey{}).(func(bool)); ok {
		inner := arrived
		arrived = func(body bool) { inner(body); outer(body) }
	}
	return context.WithValue(ctx, progressKey{}, arrived)
}

// RoundTrip sends a request.
func (t progressTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	arrived, ok := request.Context().Value(progressKey{}).(func(bool))
	if err != nil || !ok {
		return response, err
	}
	arrived(false)
	response.Body = progressBody{response.Body, arrived}
	return response, nil
}

// progressBody is a body that tells when a part of it has arrived.
type progressBody struct {
	io.ReadCloser
	arrived func(body bool)
}

// Read reads a part of the body.
func (b progressBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.arrived(true)
	}
	return n, err
}
