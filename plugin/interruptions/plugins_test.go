package interruptions

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// An instance is one plugin that works at a site, and a client of its unix socket.
type instance struct {
	site *site
	link *link
	http *http.Client
	// stop lets the plugin shut down and waits for its end. kill ends a program at once.
	stop func()
	kill func()
	// ended is closed when a program has ended.
	ended <-chan struct{}
}

func newInstance(s *site, socket string) *instance {
	s.t.Helper()
	return &instance{site: s, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
}

// start starts a plugin within the test.
func (s *site) start(change ...func(*config.Config)) *instance {
	s.t.Helper()
	i := s.startUnready(nil, change...)
	i.waitUntilReady()
	return i
}

// startWithoutCache starts a plugin whose cache of pods is not filled until release is called.
func (s *site) startWithoutCache() (_ *instance, release func()) {
	s.t.Helper()
	hold := make(chan struct{})
	release = sync.OnceFunc(func() { close(hold) })
	s.t.Cleanup(release)
	return s.startUnready(hold), release
}

func (s *site) startUnready(holdCache <-chan struct{}, change ...func(*config.Config)) *instance {
	s.t.Helper()
	socket := testkit.SocketPath(s.t)
	i := newInstance(s, socket)
	cfg := config.Defaults()
	cfg.App.SocketAddress, cfg.App.ShutdownGrace = "unix://"+socket, 10*time.Second
	cfg.App.Instance, cfg.Offloading.NamespacePrefix = s.prefix, s.prefix
	for _, c := range change {
		c(&cfg)
	}
	remote := rest.CopyConfig(s.server.Config)
	remote.QPS, remote.ContentType = -1, "application/json" // so that tests can read the bodies
	remote.Wrap(func(next http.RoundTripper) http.RoundTripper {
		i.link = &link{next: next, holdCache: holdCache}
		return i.link
	})
	client, err := kubernetes.NewForConfig(remote)
	s.must(err)
	p, err := plugin.New(cfg, client, nil, "test", testkit.NewLog(s.t).Logger())
	s.must(err)
	s.must(p.Listen(s.t.Context()))
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- p.Run(ctx) }()
	i.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-result; err != nil {
			s.t.Errorf("Run returns %v", err)
		}
	})
	s.t.Cleanup(i.stop)
	return i
}

// startProgram starts a plugin's program, which reaches the API server through a proxy.
func (s *site) startProgram(path string, flags ...string) *instance {
	s.t.Helper()
	folder := testkit.ShortFolder(s.t)
	i := newInstance(s, filepath.Join(folder, "s"))
	kubeconfig := filepath.Join(folder, "kubeconfig")
	s.must(clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: i.startProxy()}},
		Contexts:       map[string]*clientcmdapi.Context{"c": {Cluster: "c"}},
		CurrentContext: "c",
	}, kubeconfig))
	cmd := exec.Command(path, append(flags, "--k8s-kubeconfig-path="+kubeconfig, "--app-socket-address=unix://"+filepath.Join(folder, "s"),
		"--app-instance="+s.prefix, "--offloading-namespace-prefix="+s.prefix, "--k8s-qps=1000", "--k8s-burst=2000", "--log-level=DEBUG")...)
	cmd.Dir = folder // without a config.ini
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.must(cmd.Start())
	var err error
	ended := make(chan struct{})
	go func() { err = cmd.Wait(); close(ended) }()
	i.ended = ended
	var once sync.Once
	end := func(with os.Signal) {
		once.Do(func() {
			_ = cmd.Process.Signal(with)
			<-ended
			if with == syscall.SIGTERM && err != nil {
				s.t.Errorf("the program ends with %v", err)
			}
			if s.t.Failed() {
				s.t.Logf("the program logged:\n%s", output.Bytes()[max(0, output.Len()-20_000):])
			}
		})
	}
	i.stop = func() { end(syscall.SIGTERM) }
	i.kill = func() { end(syscall.SIGKILL) }
	s.t.Cleanup(i.kill)
	i.waitUntilReady()
	return i
}

// startProxy starts an HTTP server that passes requests to the API server through the link, and returns its URL.
func (i *instance) startProxy() string {
	s := i.site
	next, err := rest.TransportFor(s.server.Config)
	s.must(err)
	i.link = &link{next: next}
	target, err := url.Parse(s.server.Config.Host)
	s.must(err)
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     i.link,
		FlushInterval: -1, // watches
		ErrorLog:      log.New(io.Discard, "", 0),
		// The connection ends without an answer.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	})
	s.t.Cleanup(func() { proxy.CloseClientConnections(); proxy.Close() })
	return proxy.URL
}

// waitUntilReady waits until the pod cache is filled: until then, it is not known whether a pod with a job ID exists.
func (i *instance) waitUntilReady() {
	i.site.t.Helper()
	missing := withJobID(request(0), "a-job")
	testkit.Eventually(i.site.t, "the plugin is ready", func() bool {
		select {
		case <-i.ended:
			i.site.t.Fatal("the program has ended")
		default:
		}
		code, _, err := i.call(http.MethodGet, "/status", []corev1.Pod{missing})
		return err == nil && code == http.StatusOK
	})
}
