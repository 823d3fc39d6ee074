package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// caller sends requests to a unix socket as InterLink does.
type caller struct{ http *http.Client }

func newCaller(socket string) *caller {
	return &caller{&http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 4096, // connections stay open, also after many calls at once
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
}

func (c *caller) close() { c.http.CloseIdleConnections() }

// call sends a request and returns the answer. Any other status than 200 is an error.
func (c *caller) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://unix"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(wire.SessionHeader, "Bench#1")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: HTTP status %d: %s", method, path, response.StatusCode, answer)
	}
	return answer, err
}
