package virtualkubelet

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// idleTimeout is how long InterLink keeps idle connections (docs/contract.md, HTTP-6).
const idleTimeout = 120 * time.Second

// maxAnswer is the largest answer in bytes, so that a faulty plugin cannot exhaust
// the memory of this program. InterLink has no such limit.
const maxAnswer = 64 << 20

// client calls a plugin as the InterLink API server does.
type client struct {
	base     string
	http     *http.Client
	timeout  time.Duration // of a whole call; 0 for none
	observe  func(Call)
	sessions atomic.Int64
}

// newClient returns a client for the address in config.
func newClient(config Config) (*client, error) {
	address := config.Plugin
	c := &client{timeout: config.CallTimeout, observe: config.Observe}
	if c.observe == nil {
		c.observe = func(Call) {}
	}
	transport := &http.Transport{
		ResponseHeaderTimeout: cmp.Or(config.HeaderTimeout, interlink.CallTimeout),
		IdleConnTimeout:       idleTimeout,
		MaxIdleConnsPerHost:   64,
	}
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		if path == "" {
			return nil, fmt.Errorf("plugin address %q has no socket path", address)
		}
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", path)
		}
		c.base, c.http = "http://unix", &http.Client{Transport: transport}
		return c, nil
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "http" || parsed.Host == "" {
		return nil, fmt.Errorf("plugin address %q is neither unix:///path nor http://host:port", address)
	}
	c.base, c.http = "http://"+parsed.Host+strings.TrimRight(parsed.EscapedPath(), "/"), &http.Client{Transport: transport}
	return c, nil
}

// session returns the session header of a call, such as CreatePod#1. InterLink's
// numbers are random.
func (c *client) session(call string) string {
	return call + "#" + strconv.FormatInt(c.sessions.Add(1), 10)
}

func pingSession() string { return "Request-" + string(uuid.NewUUID()) }

// send sends one request; a GET has a body too. The caller closes the response.
func (c *client) send(ctx context.Context, method, path, session string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("marshal the body of %s %s: %w", method, path, err)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(wire.SessionHeader, session)
	response, err := c.http.Do(request)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // the URL tells the user nothing: its host is "unix"
	}
	return response, err
}

// call sends one request and reads the whole answer. Status 0 means that there was
// none; then err says why.
func (c *client) call(ctx context.Context, method, path, session string, body any) (status int, answer []byte, err error) {
	start := time.Now()
	defer func() { c.observe(Call{Name: nameOf(session), Duration: time.Since(start), Status: status, Err: err}) }()
	if c.timeout == 0 {
		return c.readAll(ctx, method, path, session, body)
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	status, answer, err = c.readAll(limited, method, path, session, body)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return 0, nil, fmt.Errorf("the answer was not complete within %s", c.timeout)
	}
	return status, answer, err
}

func (c *client) readAll(ctx context.Context, method, path, session string, body any) (int, []byte, error) {
	response, err := c.send(ctx, method, path, session, body)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }() // the body was read already
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("the answer ended early: %w", err)
	case len(answer) > maxAnswer:
		return 0, nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return response.StatusCode, answer, nil
}

// nameOf returns the name of the call in a session header.
func nameOf(session string) string {
	name, _, numbered := strings.Cut(session, "#")
	if !numbered {
		return "Ping"
	}
	return name
}

// excerpt returns the beginning of an answer, for error messages.
func excerpt(answer []byte) string {
	const limit = 200
	if len(answer) > limit {
		return strings.ToValidUTF8(string(answer[:limit]), "") + "..."
	}
	return string(answer)
}
