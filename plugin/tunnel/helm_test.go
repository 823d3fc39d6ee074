package tunnel_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
)

// Helm creates new clients for each release. With a proxy, client-go opens a connection
// for each client and never closes it, so the clients must share one transport.
func TestClientsShareOneConnection(t *testing.T) {
	var connections atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections.Add(1)
		server, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		client, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
		both.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
		both.Wait()
	}))
	defer proxy.Close()
	e := newEnv(t)
	config := rest.CopyConfig(apiserver.ForTest(t).Config)
	config.QPS, config.Burst = 1000, 1000
	at, err := url.Parse(proxy.URL)
	e.must(err)
	config.Proxy = http.ProxyURL(at)
	options := e.options
	tunnels, err := tunnel.New(config, options)
	e.must(err)
	for range 3 {
		e.must(tunnels.Open(t.Context(), release, labels("a"), 8080, target))
		e.must(tunnels.Close(t.Context(), scope.TunnelSelector(uid)))
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("%d connections were opened, want 1", got)
	}
}
