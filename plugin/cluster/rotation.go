package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// rotatingTransport sends requests with the newest credentials. It reads them again when
// look is called, and when the API server does not accept them; it then sends the request
// once more, which is safe, because the API server did not carry it out.
type rotatingTransport struct {
	read func() (*rest.Config, error)
	log  func() *slog.Logger
	// host is the address in the URLs of the requests, of the first credentials.
	host *url.URL
	// moved is called when the API server has another address; nil for nothing.
	moved func()
	// left counts the requests that were left (see leave).
	left atomic.Int32

	reading sync.Mutex // held while credentials are read
	mu      sync.RWMutex
	current *credentials
	// loaded is when current was read first, and seen when the files were last usable.
	loaded, seen time.Time
	// failed is why the files were not usable at the last look; empty if they were.
	failed string
}

// credentials are one version of the credentials.
type credentials struct {
	transport http.RoundTripper
	host      *url.URL
	// digest is of everything that the transport is made of.
	digest [sha256.Size]byte
	// exec is true if a program issues the credentials. client-go then asks it again after
	// an answer 401.
	exec bool
	// replaced is done when there are newer credentials.
	replaced context.Context //nolint:containedctx // of the watches that these credentials opened
	replace  context.CancelFunc
}

func newRotatingTransport(read func() (*rest.Config, error), log func() *slog.Logger) (*rotatingTransport, error) {
	client, err := read()
	if err != nil {
		return nil, err
	}
	first, err := newCredentials(client)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &rotatingTransport{read: read, log: log, host: first.host, current: first, loaded: now, seen: now}, nil
}

func newCredentials(client *rest.Config) (*credentials, error) {
	// Otherwise the API server compresses each event of the watch, which takes it longer
	// than the rest of the event (docs/performance.md).
	client.DisableCompression = true
	transport, err := rest.TransportFor(client)
	if err != nil {
		return nil, fmt.Errorf("use the credentials: %w", err)
	}
	host, _, err := rest.DefaultServerUrlFor(client)
	if err != nil {
		return nil, fmt.Errorf("use the credentials: %w", err)
	}
	digest, err := digestOf(client)
	if err != nil {
		return nil, err
	}
	c := &credentials{transport: transport, host: host, digest: digest, exec: client.ExecProvider != nil}
	c.replaced, c.replace = context.WithCancel(context.Background())
	return c, nil
}

// digestOf returns a digest of all that the credentials consist of.
func digestOf(client *rest.Config) ([sha256.Size]byte, error) {
	proxy := ""
	if client.Proxy != nil {
		if at, err := client.Proxy(nil); err == nil && at != nil {
			proxy = at.String()
		}
	}
	var program any
	if exec := client.ExecProvider; exec != nil {
		program = []any{exec.Command, exec.Args, exec.Env, exec.APIVersion, exec.ProvideClusterInfo}
	}
	text, err := json.Marshal([]any{
		client.Host, client.APIPath, client.Username, client.Password, client.BearerToken, client.Impersonate, proxy, program, client.AuthProvider,
		client.Insecure, client.ServerName, client.NextProtos, client.CAData, client.CertData, client.KeyData,
	})
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("compare the credentials: %w", err)
	}
	return sha256.Sum256(text), nil
}

func (t *rotatingTransport) newest() *credentials {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.current
}

// look reads the credentials again. If they are not usable, it keeps those that it has.
func (t *rotatingTransport) look() {
	t.reading.Lock()
	defer t.reading.Unlock()
	client, err := t.read()
	if err != nil {
		t.keep(err)
		return
	}
	if digest, err := digestOf(client); err == nil && digest == t.newest().digest {
		t.usable(nil)
		return
	}
	next, err := newCredentials(client)
	if err != nil {
		t.keep(err)
		return
	}
	last := t.newest()
	t.usable(next)
	t.log().Info("the credentials for the remote cluster changed", "host", next.host.String())
	if t.moved != nil && next.host.String() != last.host.String() {
		t.moved()
	}
	last.replace()
}

// usable records that the files are usable. next are newer credentials, or nil.
func (t *rotatingTransport) usable(next *credentials) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed, t.seen = "", time.Now()
	if next != nil {
		t.current, t.loaded = next, t.seen
	}
}

// state returns how the files of the credentials are.
func (t *rotatingTransport) state() Credentials {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return Credentials{Loaded: t.loaded, Read: t.seen, Failure: t.failed}
}

// keep logs why the newest credentials are not used, once for each reason.
func (t *rotatingTransport) keep(err error) {
	t.mu.Lock()
	text := err.Error()
	known := text == t.failed
	t.failed = text
	t.mu.Unlock()
	if !known {
		t.log().Error("the credentials for the remote cluster cannot be read; the plugin keeps those that it has", "error", err)
	}
}

// RoundTrip sends a request.
func (t *rotatingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	used := t.newest()
	response, err := t.send(used, request)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	t.look()
	newer := t.newest()
	if newer == used && !used.exec || request.Body != nil && request.GetBody == nil {
		return response, nil
	}
	again := request.Clone(request.Context())
	if request.Body != nil {
		if again.Body, err = request.GetBody(); err != nil {
			return response, nil //nolint:nilerr // the first answer still holds
		}
	}
	_, _ = io.CopyN(io.Discard, response.Body, maxStatus) // so that the connection can be used again
	_ = response.Body.Close()
	return t.send(newer, again)
}

// errReplaced is the error of a watch that is opened while its credentials are replaced.
var errReplaced = errdefs.New(errdefs.Unavailable, "the credentials were replaced")

// send sends a request with some credentials. A watch ends when they are replaced.
func (t *rotatingTransport) send(used *credentials, request *http.Request) (*http.Response, error) {
	ctx, cancel := request.Context(), context.CancelFunc(func() {})
	if targetOf(request).watch {
		ctx, cancel = context.WithCancel(ctx)
		stop := context.AfterFunc(used.replaced, cancel)
		end := cancel
		cancel = func() { stop(); end() }
	}
	request = request.Clone(ctx)
	if used.host.String() != t.host.String() {
		request.URL.Scheme, request.URL.Host = used.host.Scheme, used.host.Host
		request.URL.Path = strings.TrimSuffix(used.host.Path, "/") + strings.TrimPrefix(request.URL.Path, strings.TrimSuffix(t.host.Path, "/"))
		request.URL.RawPath, request.Host = "", ""
	}
	roundTrip := used.transport.RoundTrip
	if used.exec {
		roundTrip = func(request *http.Request) (*http.Response, error) { return t.leave(used.transport, request) }
	}
	response, err := roundTrip(request)
	if err != nil {
		cancel()
		if used.replaced.Err() != nil && request.Context().Err() != nil {
			err = errReplaced
		}
		return nil, err
	}
	response.Body = &endingBody{response.Body, cancel}
	return response, nil
}

// maxLeft is how many requests that were left may wait for the program that issues the
// credentials.
const maxLeft = 64

// errProgramHangs is the error of requests that are not sent because too many wait already.
var errProgramHangs = errdefs.New(errdefs.Unavailable, "the program that issues the credentials does not end")

// leave sends a request, and leaves it when its context ends: client-go waits for the program
// that issues the credentials as long as that runs.
func (t *rotatingTransport) leave(transport http.RoundTripper, request *http.Request) (*http.Response, error) {
	if t.left.Load() >= maxLeft {
		return nil, errProgramHangs
	}
	type result struct {
		response *http.Response
		err      error
	}
	results := make(chan result, 1)
	go func() {
		response, err := transport.RoundTrip(request)
		results <- result{response, err}
	}()
	select {
	case r := <-results:
		return r.response, r.err
	case <-request.Context().Done():
		t.left.Add(1)
		go func() {
			defer t.left.Add(-1)
			if r := <-results; r.err == nil {
				_ = r.response.Body.Close()
			}
		}()
		return nil, context.Cause(request.Context())
	}
}

// endingBody is a body that ends something when it is closed.
type endingBody struct {
	io.ReadCloser
	end func()
}

// Close closes the body.
func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
