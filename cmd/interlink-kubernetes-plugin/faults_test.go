package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/faultproxy"
)

// A faultyRemote is a running program whose requests to a real API server pass a proxy that can fail them.
type faultyRemote struct {
	t       *testing.T
	server  *apiserver.Server
	proxy   *faultproxy.Proxy
	cmd     *exec.Cmd
	program *testkit.Process
	client  *http.Client // of the socket
	// prefix begins the names of the remote namespaces; folder has the kubeconfig, and admin is an address.
	prefix, folder, kubeconfig, admin string
}

// startFaulty starts the program behind a proxy with rules. It waits until the program answers.
func startFaulty(t *testing.T, rules []string, flags ...string) *faultyRemote {
	t.Helper()
	f := &faultyRemote{t: t, server: apiserver.ForTest(t), folder: testkit.ShortFolder(t), prefix: fmt.Sprintf("f%08x", rand.Uint32())}
	var err error
	f.proxy, err = faultproxy.Start(faultproxy.Options{Server: f.server.Config})
	f.must(err)
	t.Cleanup(func() { _ = f.proxy.Close() })
	for i, rule := range rules {
		rules[i] = strings.ReplaceAll(rule, "PREFIX", f.prefix)
	}
	f.fail(rules...)
	f.kubeconfig = filepath.Join(f.folder, "kubeconfig")
	f.must(os.WriteFile(f.kubeconfig, f.proxy.Kubeconfig(), 0o600))
	socket := filepath.Join(f.folder, "s")
	f.admin = fmt.Sprintf("localhost:%d", testkit.FreePort(t))
	for i, flag := range flags {
		flags[i] = strings.ReplaceAll(flag, "PREFIX", f.prefix)
	}
	f.cmd = exec.Command(os.Args[0], append(flags, "--k8s-kubeconfig-path="+f.kubeconfig, "--app-socket-address=unix://"+socket,
		"--app-admin-address="+f.admin, "--offloading-namespace-prefix="+f.prefix, "--app-instance="+f.prefix)...)
	f.cmd.Dir, f.cmd.Env = f.folder, append(os.Environ(), "RUN_THE_PROGRAM=1")
	f.program = testkit.StartProcess(t, f.cmd)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(f.program.Output())
		}
	})
	f.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	ping(t, f.client)
	return f
}

func (f *faultyRemote) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// fail replaces the rules of the proxy.
func (f *faultyRemote) fail(rules ...string) {
	f.t.Helper()
	var parsed []faultproxy.Rule
	for _, text := range rules {
		rule, err := faultproxy.ParseRule(text)
		f.must(err)
		parsed = append(parsed, rule)
	}
	f.proxy.SetRules(parsed...)
}

// call sends a request as InterLink does.
func (f *faultyRemote) call(method, path string, body any) (int, string) {
	f.t.Helper()
	text, err := json.Marshal(body)
	f.must(err)
	request, err := http.NewRequestWithContext(f.t.Context(), method, "http://unix"+path, bytes.NewReader(text))
	f.must(err)
	return f.do(f.client, request)
}

// get reads a path of the admin address.
func (f *faultyRemote) get(path, token string) (int, string) {
	f.t.Helper()
	request, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, "http://"+f.admin+path, nil)
	f.must(err)
	request.Header.Set("Authorization", "Bearer "+token)
	return f.do(http.DefaultClient, request)
}

func (f *faultyRemote) do(client *http.Client, request *http.Request) (int, string) {
	f.t.Helper()
	answer, err := client.Do(request)
	f.must(err)
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(answer.Body)
	f.must(err)
	return answer.StatusCode, string(said)
}

// logged waits until the log has a text.
func (f *faultyRemote) logged(text string) {
	f.t.Helper()
	testkit.Eventually(f.t, "the log has "+text, func() bool { return strings.Contains(f.program.Output(), text) })
}

// pod returns a create of a pod.
func (f *faultyRemote) pod(namespace, name string) wire.CreateRequest {
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, UID: types.UID(f.prefix + "-" + name)}}
	pod.Spec.Containers = []corev1.Container{{Name: "main", Image: "busybox", Command: []string{"sleep"}}}
	return wire.CreateRequest{Pod: pod}
}

// create creates a pod, and returns the remote one.
func (f *faultyRemote) create(request wire.CreateRequest) *corev1.Pod {
	f.t.Helper()
	if code, said := f.call(http.MethodPost, "/create", request); code != http.StatusOK {
		f.t.Fatalf("the create of %s is answered %d %s", request.Pod.Name, code, said)
	}
	remote, err := f.server.Client.CoreV1().Pods("").List(f.t.Context(), metav1.ListOptions{LabelSelector: scope.PodSelector(string(request.Pod.UID))})
	f.must(err)
	if len(remote.Items) != 1 {
		f.t.Fatalf("%s has %d remote pods", request.Pod.Name, len(remote.Items))
	}
	return &remote.Items[0]
}
