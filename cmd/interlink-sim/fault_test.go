package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// The proxy of fault fails what its rule names, prints it, and passes the rest.
func TestFault(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"kind":"Pod","apiVersion":"v1","metadata":{"name":%q}}`, path.Base(r.URL.Path))
	}))
	defer api.Close()
	folder := t.TempDir()
	kubeconfig, written := filepath.Join(folder, "kubeconfig"), filepath.Join(folder, "written")
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: api.URL}},
		Contexts:       map[string]*clientcmdapi.Context{"c": {Cluster: "c"}},
		CurrentContext: "c",
	}, kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	out, log := testkit.NewLog(t), testkit.NewLog(t)
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"fault", "--kubeconfig", kubeconfig, "--write-kubeconfig", written, "--fail", "GET pods #2: 503"}, streams{nil, out, log, nil, nil})
	}()
	testkit.Eventually(t, "the proxy listens", func() bool { return strings.Contains(out.String(), "the proxy listens") })
	config, err := clientcmd.BuildConfigFromFlags("", written)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	for n, wantError := range []bool{false, true, false} {
		if _, err := client.CoreV1().Pods("demo").Get(ctx, "p", metav1.GetOptions{}); apierrors.IsServiceUnavailable(err) != wantError || err != nil && !wantError {
			t.Errorf("call %d: %v", n+1, err)
		}
	}
	stop()
	if code := testkit.Receive(t, "the end of the proxy", ended); code != 0 {
		t.Errorf("exit code %d, %s", code, log)
	}
	if lines := strings.Split(out.String(), "\n"); len(lines) != 3 || !regexp.MustCompile(`^503 +GET pods +demo/p$`).MatchString(lines[1]) {
		t.Errorf("the output is %q", out)
	}
	if _, err := os.Stat(written); !os.IsNotExist(err) {
		t.Errorf("the written kubeconfig is still there: %v", err)
	}
}
