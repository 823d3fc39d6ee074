//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/play"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

const (
	chartPath      = "../../charts/interlink-kubernetes-plugin"
	chartNamespace = "e2e-chart"
)

// testChart installs the plugin's image into the local cluster with the chart, and
// plays scenarios through each of its pods; then upgrades and uninstalls it.
func testChart(t *testing.T) {
	image := os.Getenv("E2E_PLUGIN_IMAGE")
	if image == "" {
		t.Fatal("E2E_PLUGIN_IMAGE names no image that the local cluster can run")
	}
	at := strings.LastIndex(image, ":")
	if at < strings.LastIndex(image, "/") || strings.Contains(image, "@") {
		t.Fatalf("E2E_PLUGIN_IMAGE is %s, which has no tag", image)
	}
	repository, tag := image[:at], image[at+1:]
	kubeconfig := os.Getenv("E2E_LOCAL_KUBECONFIG")
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	credentials(t, client)
	values := map[string]any{
		"image":               map[string]any{"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"},
		"remote":              map[string]any{"existingSecret": "remote-cluster"},
		"replicas":            2,
		"podDisruptionBudget": map[string]any{"enabled": true},
		"config":              map[string]any{"offloading": map[string]any{"namespace_prefix": "offloading-chart"}, "log": map[string]any{"level": "DEBUG"}},
	}
	helm := helmIn(t, kubeconfig, chartNamespace)
	install := action.NewInstall(helm)
	install.ReleaseName, install.Namespace = "plugin", chartNamespace
	install.Wait, install.Timeout = true, patience
	chart, err := loader.Load(chartPath)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := install.RunWithContext(stage.ctx, chart, values); err != nil {
		t.Fatalf("install: %v\n%s", err, describe(kubeconfig))
	}
	uninstall := sync.OnceFunc(func() {
		run := action.NewUninstall(helm)
		run.Wait, run.Timeout = true, patience
		if _, err := run.Run("plugin"); err != nil {
			t.Errorf("uninstall: %v", err)
		}
	})
	t.Cleanup(uninstall)
	pods := releasePods(t, client)
	if len(pods) != 2 {
		t.Fatalf("%d pods: %v", len(pods), pods)
	}
	for _, pod := range pods {
		address := forward(t, config, pod, 4000)
		playThrough(t, address)
		metrics(t, forward(t, config, pod, 8080))
	}

	values["replicas"] = 1
	upgrade := action.NewUpgrade(helm)
	upgrade.Namespace, upgrade.Wait, upgrade.Timeout = chartNamespace, true, patience
	if _, err := upgrade.RunWithContext(stage.ctx, "plugin", chart, values); err != nil {
		t.Fatalf("upgrade: %v\n%s", err, describe(kubeconfig))
	}
	eventually(t, "one pod is left", func(context.Context) error {
		if pods := releasePods(t, client); len(pods) != 1 {
			return fmt.Errorf("pods %v", pods)
		}
		return nil
	})
	uninstall()
	eventually(t, "nothing is left of the release", func(ctx context.Context) error {
		out, err := kubectl(ctx, kubeconfig, "-n", chartNamespace, "get", "all,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets",
			"-l", "app.kubernetes.io/instance=plugin", "-o", "name")
		if err == nil && strings.TrimSpace(out) != "" {
			err = errors.New(out)
		}
		return err
	})
}

// credentials puts the plugin's kubeconfig where the chart expects it.
func credentials(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: chartNamespace, Labels: map[string]string{
		"pod-security.kubernetes.io/enforce": "restricted",
	}}}
	if _, err := client.CoreV1().Namespaces().Create(stage.ctx, namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(stage.ctx), patience)
		defer cancel()
		if _, err := kubectl(ctx, os.Getenv("E2E_LOCAL_KUBECONFIG"), "delete", "namespace", chartNamespace); err != nil { // and waits
			t.Error(err)
		}
	})
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "remote-cluster"}, Data: map[string][]byte{"kubeconfig": stage.all.internal}}
	if _, err := client.CoreV1().Secrets(chartNamespace).Create(stage.ctx, secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func helmIn(t *testing.T, kubeconfig, namespace string) *action.Configuration {
	t.Helper()
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig, flags.Namespace = &kubeconfig, &namespace
	helm := &action.Configuration{}
	if err := helm.Init(flags, namespace, "secret", func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	return helm
}

// releasePods are the names of the release's pods that are not on their way out.
func releasePods(t *testing.T, client kubernetes.Interface) []string {
	t.Helper()
	list, err := client.CoreV1().Pods(chartNamespace).List(stage.ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=plugin"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil {
			names = append(names, pod.Name)
		}
	}
	return names
}

// playThrough plays some scenarios against the plugin in the local cluster.
func playThrough(t *testing.T, address string) {
	t.Helper()
	files, err := scenario.ReadAll(scenarios)
	if err != nil {
		t.Fatal(err)
	}
	some := []string{"plain-pod", "exit-three", "volume-configmap", "logs-of-each-container"}
	files = slices.DeleteFunc(files, func(f *scenario.File) bool { return !slices.Contains(some, f.Name) })
	result, err := play.Run(stage.ctx, files, play.Options{
		Plugin: address, Client: stage.remote.client, Environ: []string{"OFFLOADING_NAMESPACE_PREFIX=offloading-chart"}, Parallel: len(some),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Scenarios) != len(some) {
		t.Fatalf("%d of %d scenarios", len(result.Scenarios), len(some))
	}
	for _, s := range result.Scenarios {
		if s.Verdict != report.Passed {
			t.Errorf("%s %s: %s%s\n%s", s.Name, s.Verdict, s.Skipped, strings.Join(s.Differences, "\n"), history(s))
		}
	}
}

// metrics looks at what Prometheus would.
func metrics(t *testing.T, address string) {
	t.Helper()
	response, err := http.Get(address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(text), "\ninterlink_") {
		t.Errorf("%s, %v: %.300s", response.Status, err, text)
	}
}

// forward makes a pod's port reachable from here until the test ends.
func forward(t *testing.T, config *rest.Config, pod string, port int) string {
	t.Helper()
	round, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	url := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(chartNamespace).Name(pod).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: round}, http.MethodPost, url)
	stop, ready := make(chan struct{}), make(chan struct{})
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", port)}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		failed = forwarder.ForwardPorts()
	}()
	t.Cleanup(func() { close(stop); <-ended })
	select {
	case <-ready:
	case <-ended:
		t.Fatalf("port %d of pod %s: %v", port, pod, failed)
	case <-time.After(patience):
		t.Fatalf("port %d of pod %s: no connection", port, pod)
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", ports[0].Local)
}

// describe is what a user would look at when a release does not come up.
func describe(kubeconfig string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var text strings.Builder
	for _, args := range [][]string{{"describe", "pods"}, {"logs", "--all-containers", "--prefix", "--tail=40", "-l", "app.kubernetes.io/instance=plugin"}} {
		out, err := kubectl(ctx, kubeconfig, append([]string{"-n", chartNamespace}, args...)...)
		fmt.Fprintln(&text, filepath.Join(args...), err, "\n"+out)
	}
	return text.String()
}
