package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"

	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// inProcess is a plugin that runs inside this process, with the default configuration.
type inProcess struct {
	*caller
	remoteCalls *atomic.Int64
	cancel      context.CancelFunc
	ended       chan error
}

// startInProcess starts a plugin and waits until it is ready.
func (b *Bench) startInProcess(ctx context.Context) (*inProcess, error) {
	b.started++
	socket := b.path("sock")
	admin, err := freeAddress()
	if err != nil {
		return nil, err
	}
	cfg := config.Defaults()
	cfg.App.SocketAddress = "unix://" + socket
	cfg.App.AdminAddress = admin
	cfg.K8s.KubeconfigPath = b.kubeconfig
	client, err := plugin.Connect(cfg, "bench")
	if err != nil {
		return nil, err
	}
	p := &inProcess{caller: newCaller(socket), remoteCalls: new(atomic.Int64), ended: make(chan error, 1)}
	connection, ok := client.CoreV1().RESTClient().(*rest.RESTClient) // all clients of a Clientset share its Client
	if !ok || connection.Client == nil {
		return nil, errors.New("the remote calls of the plugin cannot be counted")
	}
	connection.Client.Transport = counter{connection.Client.Transport, p.remoteCalls}
	// As in the program, log lines are written.
	log := slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: cfg.Log.Level}))
	instance, err := plugin.New(cfg, client, nil, "bench", log)
	if err != nil {
		return nil, err
	}
	if err := instance.Listen(ctx); err != nil {
		return nil, err
	}
	var running context.Context
	running, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() { p.ended <- instance.Run(running) }()
	if err := waitReady(ctx, admin); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// stop ends the plugin.
func (p *inProcess) stop() error {
	p.close()
	p.cancel()
	if err := <-p.ended; err != nil {
		return fmt.Errorf("the plugin: %w", err)
	}
	return nil
}

// counter counts requests.
type counter struct {
	next  http.RoundTripper
	count *atomic.Int64
}

func (c counter) RoundTrip(request *http.Request) (*http.Response, error) {
	c.count.Add(1)
	return c.next.RoundTrip(request)
}
