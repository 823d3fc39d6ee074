package cluster

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// connectWithProgram returns a client of a test server whose credentials a program issues: a shell script.
func connectWithProgram(t *testing.T, server *httptest.Server, script string) *Client {
	t.Helper()
	program := filepath.Join(t.TempDir(), "issue")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	raw, err := clientcmd.Load([]byte(kubeconfigOf(t, server, "", "")))
	if err != nil {
		t.Fatal(err)
	}
	raw.AuthInfos["u"] = &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1", Command: program, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}}
	text, err := clientcmd.Write(*raw)
	if err != nil {
		t.Fatal(err)
	}
	client, err := Connect(config.K8s{Kubeconfig: config.Secret(text)}, "test")
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// A program issues the credentials. It is asked again after an answer 401, and the request is sent again.
func TestAProgramIssuesNewCredentials(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	writeFile(t, token, []byte("old"))
	accepted, bodies := "old", 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+accepted {
			failure(401, metav1.StatusReasonUnauthorized, "Unauthorized").ServeHTTP(w, r)
			return
		}
		bodies++
		answer{code: 201, kind: jsonType, body: `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"n","uid":"u"}}`}.ServeHTTP(w, r)
	}))
	defer server.Close()
	c := &Cluster{client: connectWithProgram(t, server,
		`printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s"}}' "$(cat '`+token+`')"`)}
	create := func() {
		if _, err := c.Create(context.Background(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n"}}); err != nil {
			t.Error(err)
		}
	}
	create()
	accepted = "new"
	writeFile(t, token, []byte("new"))
	create()
	if bodies != 2 {
		t.Errorf("%d creates arrive, want 2", bodies)
	}
}

// A program that issues the credentials hangs. A request ends with its caller all the same, and those that wait for the
// program are not more and more. When the program ends, requests are sent again.
func TestRequestsLeaveAProgramThatHangs(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started") // the program ends when the test removes it
	server := httptest.NewTLSServer(answer{code: 200, kind: jsonType, body: `{"kind":"Status","apiVersion":"v1","status":"Success"}`})
	defer server.Close()
	client := connectWithProgram(t, server, "touch '"+started+"'\nwhile [ -e '"+started+"' ]; do sleep 0.1; done\n"+
		`printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}'`)
	send := func(ctx context.Context) error {
		return client.CoreV1().Pods("n").Delete(ctx, "p", metav1.DeleteOptions{})
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- send(ctx) }()
	testkit.Eventually(t, "the program runs", func() bool { _, err := os.Stat(started); return err == nil })
	cancel()
	if err := testkit.Receive(t, "the end of the request", ended); !errdefs.Is(err, errdefs.Canceled) {
		t.Errorf("the request ends with %v", err)
	}
	left := &client.Connection.rotation.left
	for range 2 * maxLeft {
		// Its end can come before the request is sent, which then waits for nothing.
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		if err := send(ctx); !errdefs.Is(err, errdefs.Canceled) && !errors.Is(err, errProgramHangs) {
			t.Fatalf("a request ends with %v", err)
		}
	}
	if got := left.Load(); got < 2 || got > maxLeft {
		t.Errorf("%d requests wait for the program, want at most %d", got, maxLeft)
	}
	left.Add(maxLeft) // as if as many as possible waited
	if err := send(t.Context()); !errors.Is(err, errProgramHangs) || !errdefs.Is(err, errdefs.Unavailable) {
		t.Errorf("a request more ends with %v of kind %s", err, errdefs.KindOf(err))
	}
	left.Add(-maxLeft)
	if err := os.Remove(started); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "no request waits for the program", func() bool { return left.Load() == 0 })
	if err := send(t.Context()); err != nil {
		t.Errorf("with a program that ends, a request ends with %v", err)
	}
}

// Another program, or other arguments, are other credentials. The API server need not compress what it sends.
func TestWhatAProgramIsAskedForCounts(t *testing.T) {
	header := ""
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Get("Accept-Encoding")
		answer{code: 200, kind: jsonType, body: `{"kind":"Status","apiVersion":"v1","status":"Success"}`}.ServeHTTP(w, r)
	}))
	defer server.Close()
	digests := map[[32]byte]string{}
	for name, change := range map[string]func(*clientcmdapi.ExecConfig){
		"as it is":                           func(*clientcmdapi.ExecConfig) {},
		"another program":                    func(e *clientcmdapi.ExecConfig) { e.Command = "other" },
		"an argument":                        func(e *clientcmdapi.ExecConfig) { e.Args = []string{"a"} },
		"a variable":                         func(e *clientcmdapi.ExecConfig) { e.Env = []clientcmdapi.ExecEnvVar{{Name: "a", Value: "b"}} },
		"with information about the cluster": func(e *clientcmdapi.ExecConfig) { e.ProvideClusterInfo = true },
		"another version":                    func(e *clientcmdapi.ExecConfig) { e.APIVersion = "client.authentication.k8s.io/v1beta1" },
	} {
		client, err := readCredentials(config.K8s{Kubeconfig: config.Secret(kubeconfigOf(t, server, "", ""))})
		if err != nil {
			t.Fatal(err)
		}
		client.ExecProvider = &clientcmdapi.ExecConfig{APIVersion: "client.authentication.k8s.io/v1", Command: "issue"}
		change(client.ExecProvider)
		digest, err := digestOf(client)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := digests[digest]; ok {
			t.Errorf("%q and %q are the same credentials", name, other)
		}
		digests[digest] = name
	}
	if err := connectTo(t, server, "").CoreV1().Pods("n").Delete(t.Context(), "p", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if header != "" && header != "identity" {
		t.Errorf("the answers may be compressed: %q", header)
	}
}
