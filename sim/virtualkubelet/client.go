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
)

// headerTimeout is how long InterLink waits for an answer to begin, and keeps a
// connection that is idle.
const headerTimeout = 120 * time.Second

// maxAnswer bounds what a plugin may make this program hold. InterLink knows no
// such bound.
const maxAnswer = 64 << 20

// client speaks to a plugin as the InterLink API server does.
type client struct {
	base     string
	http     *http.Client
	limit    time.Duration // of a whole call; 0: none
	observe  func(Call)
	sessions atomic.Int64
}

// newClient takes unix:///path or http://host:port.
func newClient(config Config) (*client, error) {
	address := config.Plugin
	c := &client{limit: config.CallTimeout, observe: config.Observe}
	if c.observe == nil {
		c.observe = func(Call) {}
	}
	transport := &http.Transport{
		ResponseHeaderTimeout: cmp.Or(config.HeaderTimeout, headerTimeout),
		IdleConnTimeout:       headerTimeout,
		MaxIdleConnsPerHost:   64,
	}
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		if path == "" {
			return nil, fmt.Errorf("plugin address %q lacks the socket's path", address)
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
	c.base, c.http = "http://"+parsed.Host, &http.Client{Transport: transport}
	return c, nil
}

// session names a call, as CreatePod#1. InterLink's numbers are random.
func (c *client) session(call string) string {
	return call + "#" + strconv.FormatInt(c.sessions.Add(1), 10)
}

func pingSession() string { return "Request-" + string(uuid.NewUUID()) }

// send makes one call. A GET has a body too. The caller closes the answer.
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
		err = wrapped.Err // the URL is InterLink's affair, and says unix
	}
	return response, err
}

// call makes a call and reads the whole answer. Status 0 comes with an error
// that says why there was none.
func (c *client) call(ctx context.Context, method, path, session string, body any) (status int, answer []byte, err error) {
	began := time.Now()
	defer func() { c.observe(Call{Name: nameOf(session), Took: time.Since(began), Status: status, Err: err}) }()
	if c.limit == 0 {
		return c.whole(ctx, method, path, session, body)
	}
	limited, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	status, answer, err = c.whole(limited, method, path, session, body)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return 0, nil, fmt.Errorf("no whole answer within %s", c.limit)
	}
	return status, answer, err
}

func (c *client) whole(ctx context.Context, method, path, session string, body any) (int, []byte, error) {
	response, err := c.send(ctx, method, path, session, body)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }() // it has been read
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("the answer broke off: %w", err)
	case len(answer) > maxAnswer:
		return 0, nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return response.StatusCode, answer, nil
}

// nameOf is the call that a session names.
func nameOf(session string) string {
	name, _, numbered := strings.Cut(session, "#")
	if !numbered {
		return "Ping"
	}
	return name
}

// excerpt is enough of an answer to recognise it.
func excerpt(answer []byte) string {
	const limit = 200
	if len(answer) > limit {
		return strings.ToValidUTF8(string(answer[:limit]), "") + "..."
	}
	return string(answer)
}
