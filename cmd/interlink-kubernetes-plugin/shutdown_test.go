package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// With nothing to do, the program ends at SIGTERM while the API server still hangs: nothing but the signal lets it
// end, since the grace for its work is an hour.
func TestItEndsWhateverTheAPIServerDoes(t *testing.T) {
	const denied = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"pods is forbidden: User \"u\" cannot list resource \"pods\""}`
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, handle := range map[string]func(http.ResponseWriter, *http.Request){
		"never answers": hang,
		"hangs in the body of the watch": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf;stream=watch")
			w.(http.Flusher).Flush()
			hang(w, r)
		},
		"asks to come back in an hour": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "3600")
			http.Error(w, "busy", http.StatusServiceUnavailable)
		},
		"does not know the credentials": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, strings.ReplaceAll(strings.ReplaceAll(denied, "403", "401"), "Forbidden", "Unauthorized"))
		},
		"hangs when it is asked for a permission": func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "selfsubjectaccessreviews") {
				hang(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, denied)
		},
		"hangs before TLS": nil,
		"is not there":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan struct{}, 100)
			ask := func() {
				select {
				case asked <- struct{}{}:
				default:
				}
			}
			cluster := &clientcmdapi.Cluster{}
			switch {
			case handle != nil:
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ask(); handle(w, r) }))
				server.EnableHTTP2 = true
				server.StartTLS()
				t.Cleanup(server.Close)
				cluster.Server, cluster.CertificateAuthorityData = server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
			default:
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				cluster.Server, cluster.InsecureSkipTLSVerify = "https://"+listener.Addr().String(), true
				if name == "is not there" {
					_ = listener.Close()
					ask()
					break
				}
				t.Cleanup(func() { _ = listener.Close() })
				go func() {
					for {
						connection, err := listener.Accept()
						if err != nil {
							return
						}
						defer connection.Close() //nolint:errcheck // it has no data
						ask()
					}
				}()
			}
			config, err := clientcmd.Write(clientcmdapi.Config{
				Clusters: map[string]*clientcmdapi.Cluster{"c": cluster}, AuthInfos: map[string]*clientcmdapi.AuthInfo{"u": {Token: "t"}},
				Contexts: map[string]*clientcmdapi.Context{"c": {Cluster: "c", AuthInfo: "u"}}, CurrentContext: "c",
			})
			if err != nil {
				t.Fatal(err)
			}
			socket := testkit.SocketPath(t)
			program := exec.Command(os.Args[0], "--k8s-kubeconfig-path="+kubeconfig(t, config), "--app-socket-address=unix://"+socket, "--app-shutdown-grace=1h")
			program.Env = append(os.Environ(), "RUN_THE_PROGRAM=1")
			var output bytes.Buffer
			program.Stdout, program.Stderr = &output, &output
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- program.Wait() }()
			t.Cleanup(func() { _ = program.Process.Kill() })
			ping(t, &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", socket)
			}}})
			testkit.Receive(t, "a request to the API server", asked)
			signaled := time.Now()
			if err := program.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := testkit.Receive(t, "the end of the program", ended); err != nil {
				t.Errorf("the program ends with %v\n%s", err, &output)
			}
			t.Logf("it ended after %s", time.Since(signaled).Round(time.Millisecond))
		})
	}
}
