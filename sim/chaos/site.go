package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/faultproxy"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// A site is one installation: a virtual node, one or more plugins with a proxy each, and
// remote namespaces of its own.
type site struct {
	chaos   *Chaos
	prefix  string // of its remote namespaces; also the name of the plugins' instance
	dir     string
	kubelet *virtualkubelet.Kubelet
	stop    func() // stops polling

	mu     sync.Mutex
	panics []string // of the virtual kubelet
}

// An instance is one plugin of a site.
type instance struct {
	site   *site
	socket string
	log    string
	proxy  *faultproxy.Proxy
	flags  []string
	http   *http.Client
	*program

	mu    sync.Mutex
	calls []faultproxy.Call
}

// pollPause is the pause between two cycles of status calls. InterLink's is 5 s.
const pollPause = 300 * time.Millisecond

// newSite returns a site whose virtual node uses the plugin at the socket of the first
// instance.
func (c *Chaos) newSite() (*site, error) {
	n := sites.Add(1)
	s := &site{chaos: c, prefix: fmt.Sprintf("x%d", n), dir: filepath.Join(c.dir, fmt.Sprint(n))}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	s.kubelet, err = virtualkubelet.New(virtualkubelet.Config{
		Options: interlink.Options{Node: "node-" + s.prefix}, Plugin: "unix://" + s.socket(0),
	})
	return s, err
}

func (s *site) socket(n int) string { return filepath.Join(s.dir, fmt.Sprintf("%d.sock", n)) }

// namespace returns the remote namespace of a local one.
func (s *site) namespace(local string) string { return s.prefix + "-" + local }

// poll lets the virtual node poll all its pods again and again until stop.
func (s *site) poll(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	s.stop = sync.OnceFunc(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			err := s.kubelet.Poll(ctx)
			if p := (*virtualkubelet.Panic)(nil); errors.As(err, &p) {
				s.mu.Lock()
				s.panics = append(s.panics, p.Error())
				s.mu.Unlock()
				return
			}
			select {
			case <-time.After(pollPause):
			case <-ctx.Done():
			}
		}
	}()
}

// vkPanics returns why the virtual kubelet panicked.
func (s *site) vkPanics() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.panics
}

// leaseFlag names a namespace that exists, for the Lease of the room that searches for
// orphans.
const leaseFlag = "--app-lease-namespace=default"

// graceFlag lets that room delete what no request will ever delete after a short time. A
// virtual node must ask about each of its pods within it, also on a busy machine.
func graceFlag(grace time.Duration) string { return "--offloading-orphan-grace=" + grace.String() }

// createFlag limits how long a create may take, and how long objects without a pod are kept,
// since they may belong to a create in flight.
func createFlag(timeout time.Duration) string {
	return "--offloading-create-timeout=" + timeout.String()
}

// start starts the n-th plugin of the site, and waits until it is ready.
func (s *site) start(ctx context.Context, n int, http1 bool, flags ...string) (_ *instance, err error) {
	i := &instance{site: s, socket: s.socket(n), log: filepath.Join(s.dir, fmt.Sprintf("%d.log", n))}
	i.http = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", i.socket)
	}}}
	i.proxy, err = faultproxy.Start(faultproxy.Options{Server: s.chaos.options.Server.Config, HTTP1: http1, Seen: i.seen})
	if err != nil {
		return nil, err
	}
	kubeconfig := filepath.Join(s.dir, fmt.Sprintf("%d.kubeconfig", n))
	if err := os.WriteFile(kubeconfig, i.proxy.Kubeconfig(), 0o600); err != nil {
		return nil, errors.Join(err, i.proxy.Close())
	}
	i.flags = append([]string{"--app-socket-address=unix://" + i.socket, "--k8s-kubeconfig-path=" + kubeconfig,
		"--app-instance=" + s.prefix, "--offloading-namespace-prefix=" + s.prefix, "--log-level=DEBUG", leaseFlag}, flags...)
	if err := i.restart(ctx); err != nil {
		return nil, errors.Join(err, i.proxy.Close())
	}
	return i, nil
}

// restart starts the plugin after it was killed, and waits until it is ready.
func (i *instance) restart(ctx context.Context) (err error) {
	if i.program, err = launch(i.site.chaos.program, i.site.dir, i.log, i.flags); err != nil {
		return err
	}
	if err := i.waitReady(ctx, i.http); err != nil {
		i.kill()
		log, _ := os.ReadFile(i.log)
		return fmt.Errorf("%w; the end of its log:\n%s", err, log[max(0, len(log)-4000):])
	}
	return nil
}

// end ends the plugin and its proxy.
func (i *instance) end() error {
	i.http.CloseIdleConnections()
	return errors.Join(i.stop(), i.proxy.Close())
}

func (i *instance) seen(c faultproxy.Call) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls = append(i.calls, c)
}

// takeCalls returns the calls since the last time.
func (i *instance) takeCalls() []faultproxy.Call {
	i.mu.Lock()
	defer i.mu.Unlock()
	calls := i.calls
	i.calls = nil
	return calls
}

// close removes the site's files.
func (s *site) close() error {
	if s.stop != nil {
		s.stop()
	}
	s.kubelet.Close()
	return os.RemoveAll(s.dir)
}
