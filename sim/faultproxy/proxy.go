package faultproxy

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Options configure a [Proxy].
type Options struct {
	// Server is the API server, with the credentials that the proxy uses for it.
	Server *rest.Config
	// Listen is the address of the proxy; the default is a free port of 127.0.0.1.
	Listen string
	// HTTP1 lets the proxy offer HTTP/1.1 only, as some load balancers do.
	HTTP1 bool
	// Rules are those from the beginning; see [Proxy.SetRules].
	Rules []Rule
	// Seen, if not nil, is called for each call, before it is passed on or fails. It must
	// be safe for concurrent use.
	Seen func(Call)
}

// A Proxy passes requests to an API server, and fails those that its rules name.
type Proxy struct {
	options    Options
	kubeconfig []byte
	token      string
	transport  http.RoundTripper
	forward    *httputil.ReverseProxy
	server     *http.Server
	served     chan struct{}

	mu     sync.Mutex
	rules  []Rule
	counts []int // the matching calls so far, for each rule
}

// Start starts a proxy. Close stops it.
func Start(options Options) (*Proxy, error) {
	p := &Proxy{options: options, token: rand.Text(), served: make(chan struct{})}
	p.SetRules(options.Rules...)
	target, _, err := rest.DefaultServerUrlFor(options.Server)
	if err != nil {
		return nil, fmt.Errorf("read the address of the API server: %w", err)
	}
	if p.transport, err = rest.TransportFor(options.Server); err != nil {
		return nil, fmt.Errorf("connect to the API server: %w", err)
	}
	silent := log.New(io.Discard, "", 0)
	p.forward = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { p.toServer(r.Out, target) },
		Transport:     p.transport,
		FlushInterval: -1, // watches
		ErrorLog:      silent,
		// The client sees what the proxy sees: the connection ends without an answer.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	listener, err := net.Listen("tcp", cmp.Or(options.Listen, "127.0.0.1:0"))
	if err != nil {
		return nil, err
	}
	if err := p.serve(listener, target, silent); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return p, nil
}

// serve serves on a listener until Close.
func (p *Proxy) serve(listener net.Listener, target *url.URL, silent *log.Logger) error {
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	certificate, ca, err := newCertificate(host)
	if err != nil {
		return err
	}
	p.kubeconfig, err = clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"faultproxy": {Server: "https://" + net.JoinHostPort(host, port), CertificateAuthorityData: ca}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"faultproxy": {Token: p.token}},
		Contexts:       map[string]*clientcmdapi.Context{"faultproxy": {Cluster: "faultproxy", AuthInfo: "faultproxy"}},
		CurrentContext: "faultproxy",
	})
	if err != nil {
		return err
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!p.options.HTTP1)
	p.server = &http.Server{
		Handler: p.handler(target), ErrorLog: silent, ReadHeaderTimeout: time.Minute, Protocols: &protocols,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
	go func() {
		defer close(p.served)
		_ = p.server.ServeTLS(listener, "", "") // it ends with Close
	}()
	return nil
}

// connKey is the key of a request's connection in its context.
type connKey struct{}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() error {
	err := p.server.Close()
	<-p.served
	if t, ok := p.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	return err
}

// Kubeconfig returns a kubeconfig for the clients of the proxy.
func (p *Proxy) Kubeconfig() []byte { return p.kubeconfig }

// SetRules replaces the rules, and begins to count again. The first rule that has a
// call decides.
func (p *Proxy) SetRules(rules ...Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules, p.counts = slices.Clone(rules), make([]int, len(rules))
}

// ruleFor counts a call, and returns the rule that fails it, or nil.
func (p *Proxy) ruleFor(c Call) *Rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	var fails *Rule
	for i, rule := range p.rules {
		if !rule.matches(c) {
			continue
		}
		if p.counts[i]++; fails == nil && rule.has(p.counts[i]) {
			fails = &rule
		}
	}
	return fails
}

func (p *Proxy) handler(target *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+p.token)) == 0 {
			http.Error(w, "the token is not the proxy's", http.StatusUnauthorized)
			return
		}
		call, err := describe(r)
		if err != nil {
			return // the client has gone
		}
		rule := p.ruleFor(call)
		if rule != nil {
			call.Fault = rule.Fault.Name
		}
		if p.options.Seen != nil {
			p.options.Seen(call)
		}
		if rule == nil {
			p.forward.ServeHTTP(w, r)
			return
		}
		x := &exchange{call: call, request: r, writer: w, forward: func() { p.forward.ServeHTTP(w, r) }}
		x.conn, _ = r.Context().Value(connKey{}).(net.Conn)
		if rule.Fault.Carried {
			if err := x.carryOut(func(r *http.Request) (*http.Response, error) { return p.send(r, target) }); err != nil {
				panic(http.ErrAbortHandler)
			}
		}
		if rule.Hook != nil {
			rule.Hook(call)
		}
		rule.Fault.answer(x)
	})
}

// send sends a request to the API server. It does not end with the client's request.
func (p *Proxy) send(r *http.Request, target *url.URL) (*http.Response, error) {
	out := r.Clone(context.WithoutCancel(r.Context()))
	out.RequestURI = ""
	p.toServer(out, target)
	return p.transport.RoundTrip(out)
}

// toServer gives a request the address of the API server, and removes the client's
// credentials.
func (p *Proxy) toServer(r *http.Request, target *url.URL) {
	r.URL.Scheme, r.URL.Host, r.Host = target.Scheme, target.Host, ""
	r.URL.Path = strings.TrimSuffix(target.Path, "/") + r.URL.Path
	r.Header.Del("Authorization")
}
