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
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// idleTimeout is how long InterLink keeps idle connections (docs/contract.md, HTTP-6).
const idleTimeout = 120 * time.Second

// maxAnswer is the largest answer in bytes, so that a faulty plugin cannot exhaust
// the memory of this program. InterLink has no such limit.
const maxAnswer = 64 << 20

// client calls a plugin as the InterLink API server does, or the InterLink API server as
// the virtual kubelet does.
type client struct {
	protocol protocol
	base     string
	http     *http.Client
	timeout  time.Duration // of a whole call; 0 for none
	// newConnections is that of Config.
	newConnections bool
	observe        func(Call)
	sessions       atomic.Int64
	// used has when each connection was used last, by the clock now.
	used sync.Map
	now  func() time.Time
}

// newClient returns a client for the address in config.
func newClient(config Config) (*client, error) {
	address := config.Plugin
	c := &client{protocol: toPlugin, timeout: config.CallTimeout, observe: config.Observe, newConnections: config.NewConnections, now: func() time.Time { return config.Options.Now().Time }}
	if config.InterLink {
		c.protocol = toInterLink
	}
	if c.observe == nil {
		c.observe = func(Call) {}
	}
	transport := &http.Transport{
		ResponseHeaderTimeout: cmp.Or(config.HeaderTimeout, c.protocol.callTimeout),
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
	switch {
	case err == nil && parsed.Host != "" && parsed.Scheme == "https" && config.TLS != nil:
		transport.TLSClientConfig = config.TLS
	case err != nil || parsed.Scheme != "http" || parsed.Host == "":
		return nil, fmt.Errorf("plugin address %q is neither unix:///path nor http://host:port", address)
	}
	c.base, c.http = parsed.Scheme+"://"+parsed.Host+strings.TrimRight(parsed.EscapedPath(), "/"), &http.Client{Transport: transport}
	return c, nil
}

// session returns the session header of a call, such as CreatePod#1. InterLink's
// numbers are random.
func (c *client) session(call string) string {
	return call + "#" + strconv.FormatInt(c.sessions.Add(1), 10)
}

// send sends one request; a GET has a body too. The caller closes the response.
func (c *client) send(ctx context.Context, at request, session string, body any) (*http.Response, error) {
	return c.sendWith(ctx, c.http, at, session, body)
}

// sendWith sends one request with a client of its own; a body that is nil is none.
func (c *client) sendWith(ctx context.Context, client *http.Client, at request, session string, body any) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("marshal the body of %s %s: %w", at.method, at.path, err)
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, at.method, c.base+at.path, reader)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set(wire.SessionHeader, session)
	if c.newConnections && at.method == http.MethodPost { // a GET that is lost is sent again
		client.CloseIdleConnections()
	}
	response, err := client.Do(request)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // the URL tells the user nothing: its host is "unix"
	}
	return response, err
}

// call sends one request and reads the whole answer. Status 0 means that there was
// none; then err says why.
func (c *client) call(ctx context.Context, at request, session string, body any) (status int, answer []byte, err error) {
	start, idle := time.Now(), time.Duration(0)
	var conn net.Conn
	defer func() {
		if conn != nil {
			c.used.Store(conn, c.now())
		}
		c.observe(Call{Name: nameOf(session), Duration: time.Since(start), Status: status, Err: err, Idle: idle})
	}()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		conn, idle = info.Conn, 0
		if used, known := c.used.Load(conn); known {
			idle = c.now().Sub(used.(time.Time))
		}
	}})
	if c.timeout == 0 {
		return c.readAll(ctx, at, session, body)
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	status, answer, err = c.readAll(limited, at, session, body)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return 0, nil, fmt.Errorf("the answer was not complete within %s", c.timeout)
	}
	return status, answer, err
}

func (c *client) readAll(ctx context.Context, at request, session string, body any) (int, []byte, error) {
	response, err := c.send(ctx, at, session, body)
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
	return c.protocol.read(at, response.StatusCode, answer)
}

// nameOf returns the name of the call in a session header.
func nameOf(session string) string {
	name, _, numbered := strings.Cut(session, "#")
	if !numbered || name == "PingInterLink" {
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
