package chaos

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
)

// A balancer is the one address of several plugins: each call goes to the next one that
// is up, as with a Service of Kubernetes.
type balancer struct {
	server *http.Server

	mu      sync.Mutex
	sockets []string // of the plugins that are up
	next    int
}

func startBalancer(socket string, plugins ...*instance) (*balancer, error) {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	b := &balancer{}
	for _, i := range plugins {
		b.sockets = append(b.sockets, i.socket)
	}
	silent := log.New(io.Discard, "", 0)
	b.server = &http.Server{ErrorLog: silent, ReadHeaderTimeout: startTimeout, Handler: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "unix" },
		// A connection for each call: the calls of one connection would not be balanced.
		Transport:    &http.Transport{DialContext: b.dial, DisableKeepAlives: true},
		ErrorLog:     silent,
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}
	go b.server.Serve(listener) //nolint:errcheck // it ends with Close
	return b, nil
}

func (b *balancer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	b.mu.Lock()
	if len(b.sockets) == 0 {
		b.mu.Unlock()
		return nil, errors.New("no plugin is up")
	}
	b.next++
	socket := b.sockets[b.next%len(b.sockets)]
	b.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, "unix", socket)
}

// use replaces the plugins that get calls.
func (b *balancer) use(plugins ...*instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sockets = nil
	for _, i := range plugins {
		b.sockets = append(b.sockets, i.socket)
	}
}
