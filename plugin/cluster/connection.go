package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// Connection is the connection with the remote API server that all clients of the plugin
// share. A request passes these layers, each in a file of its own:
//
//	target.go        what the request is about
//	call_spans.go    a span for each try, if there are traces
//	bounded.go       one try has 15 s
//	answers.go       only an API server is believed; its answers say how it is (health.go)
//	startup.go       an API server that does not know its roles yet
//	call_metrics.go  each request is counted
//	progress.go      what arrives of an answer, for time limits
//	rotation.go      the newest credentials, read again on a change and on an answer 401
//	client-go        TLS, the token or the certificate, a program that issues credentials
type Connection struct {
	config   *rest.Config
	rotation *rotatingTransport
	health   *health
	log      atomic.Pointer[slog.Logger]
	observer atomic.Pointer[CallObserver]
	tracing  atomic.Pointer[tracing.Tracing]
	// pods lists and watches the pods, if a [Cluster] does.
	pods atomic.Pointer[podSource]
	// addresses counts the addresses of the API server, for those that list and watch other objects.
	addresses atomic.Int64
}

// Client is a client of the remote cluster whose connection is known. [New] finds out in this
// way what the API server thinks of the plugin's credentials.
type Client struct {
	*kubernetes.Clientset
	Connection *Connection
}

// contentTypes prefers protobuf, which is smaller than JSON and several times
// cheaper to decode. Logs and errors still come as JSON or text.
const contentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON

// lookInterval is how often the credentials are read again.
const lookInterval = 5 * time.Second

// Connect returns a client of the remote cluster. userAgent names the plugin in the audit log
// of the remote cluster. Connect reads files, and sends no request. The credentials are
// read again after an answer 401, and while [Cluster.Run] runs, every few seconds.
func Connect(options config.K8s, userAgent string) (*Client, error) {
	c := &Connection{health: &health{now: time.Now}}
	c.log.Store(slog.New(slog.DiscardHandler))
	c.health.recovered = func(since time.Time) {
		if pods := c.pods.Load(); pods != nil {
			pods.restart(since)
		}
	}
	c.health.reopen = func() {
		if pods := c.pods.Load(); pods != nil {
			pods.reopen()
		}
	}
	options = withFixedSource(options)
	var err error
	c.rotation, err = newRotatingTransport(func() (*rest.Config, error) { return readCredentials(options) }, c.log.Load)
	if err != nil {
		return nil, err
	}
	c.rotation.moved = func() {
		c.addresses.Add(1)
		if pods := c.pods.Load(); pods != nil {
			pods.relist()
		}
	}
	c.config = &rest.Config{
		Host: c.rotation.host.String(), UserAgent: userAgent, QPS: options.QPS, Burst: options.Burst,
		Transport: c.transport(c.rotation),
	}
	if options.QPS == 0 {
		c.config.QPS = -1 // no limit; client-go takes 0 for its default of 5 requests per second
	}
	c.config.ContentType, c.config.AcceptContentTypes = runtime.ContentTypeProtobuf, contentTypes
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return nil, fmt.Errorf("create a client of the remote cluster: %w", err)
	}
	return &Client{Clientset: client, Connection: c}, nil
}

// transport returns the layers above one that adds the credentials.
func (c *Connection) transport(credentials http.RoundTripper) http.RoundTripper {
	return targetTransport{base: strings.TrimSuffix(c.rotation.host.Path, "/"), next: spanTransport{tracing: &c.tracing, next: boundedTransport{
		next:    answerTransport{next: startupTransport{observedTransport{progressTransport{credentials}, &c.observer}}, seen: c.health.saw},
		timeout: tryTimeout, watches: watchTimeout,
	}}}
}

// Config returns a client configuration that uses the connection, for Helm.
func (c *Connection) Config() *rest.Config { return rest.CopyConfig(c.config) }

// run reads the credentials again until ctx is done.
func (c *Connection) run(ctx context.Context, log *slog.Logger) {
	c.log.Store(log)
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			c.rotation.look()
		case <-ctx.Done():
			return
		}
	}
}
