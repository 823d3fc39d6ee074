//go:build e2e

package suite

import (
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// secretHolder passes the requests of a plugin on to the remote API server, and can hold
// back those that create a Secret.
type secretHolder struct {
	account // of the plugin, with the address of the holder
	next    http.Handler

	mu      sync.Mutex
	release chan struct{} // not nil while requests are held
}

// newSecretHolder returns a holder for the requests of an account, until the end of
// the test.
func newSecretHolder(t *testing.T, a account) *secretHolder {
	t.Helper()
	h := &secretHolder{account: a}
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(testEnv.remote.config)) // requests carry the account's token
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(testEnv.remote.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	h.next = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, Transport: transport,
		ErrorLog: log.New(io.Discard, "", 0), // a plugin that is killed breaks connections
	}
	server := httptest.NewTLSServer(h) // client-go sends no token without TLS
	t.Cleanup(func() {
		h.pass()
		server.CloseClientConnections() // watches do not end by themselves
		server.Close()
	})
	config, err := clientcmd.LoadFromFile(a.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for _, cluster := range config.Clusters {
		cluster.Server, cluster.CertificateAuthorityData = server.URL, authority
	}
	h.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	text, err := clientcmd.Write(*config)
	if err == nil {
		err = os.WriteFile(h.kubeconfig, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *secretHolder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && path.Base(r.URL.Path) == "secrets" {
		// Only after the body was read does the context end with the connection.
		body, err := io.ReadAll(r.Body)
		if err != nil || !h.wait(r.Context()) {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	h.next.ServeHTTP(w, r)
}

// wait waits while requests are held. It returns false if the client is gone.
func (h *secretHolder) wait(ctx context.Context) bool {
	h.mu.Lock()
	release := h.release
	h.mu.Unlock()
	if release == nil {
		return true
	}
	select {
	case <-release:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// hold holds requests back from now on.
func (h *secretHolder) hold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.release = make(chan struct{})
}

// pass lets all requests pass, also those that are held.
func (h *secretHolder) pass() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.release != nil {
		close(h.release)
		h.release = nil
	}
}
