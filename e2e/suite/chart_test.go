//go:build e2e

package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
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
// plays scenarios against each of its pods. Then it upgrades and uninstalls the chart.
func testChart(t *testing.T) {
	local := openLocalCluster(t)
	createCredentials(t, local)
	values := map[string]any{
		"image":               imageValue(t),
		"remote":              map[string]any{"existingSecret": "remote-cluster"},
		"replicas":            2,
		"podDisruptionBudget": map[string]any{"enabled": true},
		"test": map[string]any{
			"image": "busybox:1.37", "command": []any{"sh", "-c", "echo the chart works"}, "expect": "the chart works", "timeoutSeconds": 180,
		},
		"config": map[string]any{"offloading": map[string]any{"namespace_prefix": "offloading-chart"}, "log": map[string]any{"level": "DEBUG"}},
	}
	helm, chart := newHelm(t, local.kubeconfig, chartNamespace), loadChart(t)
	uninstall := installChart(t, local, helm, chart, chartNamespace, values)
	pods := releasePods(t, local)
	if len(pods) != 2 {
		t.Fatalf("the release has the pods %v, want 2", pods)
	}
	for _, pod := range pods {
		address := forward(t, local, pod, 4000)
		playSome(t, address)
		checkMetrics(t, forward(t, local, pod, 8080))
	}

	if log, err := helmTest(t, local, helm, chartNamespace); err != nil || !strings.Contains(log, "the chart works") || !strings.Contains(log, "The plugin runs pods.") {
		t.Errorf("helm test: %v\n%s", err, log)
	}

	// The remote site refuses this pod, and the test says so.
	values["test"].(map[string]any)["overrides"] = map[string]any{"spec": map[string]any{"hostNetwork": true}}
	values["replicas"] = 1
	upgrade := action.NewUpgrade(helm)
	upgrade.Namespace, upgrade.Wait, upgrade.Timeout = chartNamespace, true, waitTimeout
	if _, err := upgrade.RunWithContext(testEnv.ctx, "plugin", chart, values); err != nil {
		t.Fatalf("upgrade: %v\n%s", err, describeRelease(local, chartNamespace))
	}
	eventually(t, "the release has one pod", func(context.Context) error {
		if pods := releasePods(t, local); len(pods) != 1 {
			return fmt.Errorf("it has %v", pods)
		}
		return nil
	})
	if log, err := helmTest(t, local, helm, chartNamespace); err == nil || !strings.Contains(log, "spec.hostNetwork must not be true") {
		t.Errorf("helm test of a pod that is refused: %v\n%s", err, log)
	}
	uninstall()
	eventually(t, "all objects of the release are deleted", func(ctx context.Context) error {
		out, err := local.run(ctx, "-n", chartNamespace, "get", "all,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets",
			"-l", "app.kubernetes.io/instance=plugin", "-o", "name")
		if err == nil && strings.TrimSpace(out) != "" {
			err = errors.New(out)
		}
		return err
	})
}

// imageValue returns the value for the plugin's image.
func imageValue(t *testing.T) map[string]any {
	t.Helper()
	image := requireEnv(t, "E2E_PLUGIN_IMAGE")
	at := strings.LastIndex(image, ":")
	if at < strings.LastIndex(image, "/") || strings.Contains(image, "@") {
		t.Fatalf("E2E_PLUGIN_IMAGE is %s, which has no tag", image)
	}
	return map[string]any{"repository": image[:at], "tag": image[at+1:], "pullPolicy": "IfNotPresent"}
}

func loadChart(t *testing.T) *helmchart.Chart {
	t.Helper()
	chart, err := loader.Load(chartPath)
	if err != nil {
		t.Fatal(err)
	}
	return chart
}

// installChart installs the release "plugin". The test uninstalls it, at its end at the latest.
func installChart(t *testing.T, local *cluster, helm *action.Configuration, chart *helmchart.Chart, namespace string, values map[string]any) (uninstall func()) {
	t.Helper()
	install := action.NewInstall(helm)
	install.ReleaseName, install.Namespace = "plugin", namespace
	install.Wait, install.Timeout = true, waitTimeout
	if _, err := install.RunWithContext(testEnv.ctx, chart, values); err != nil {
		t.Fatalf("install: %v\n%s", err, describeRelease(local, namespace))
	}
	uninstall = sync.OnceFunc(func() {
		run := action.NewUninstall(helm)
		run.Wait, run.Timeout = true, waitTimeout
		if _, err := run.Run("plugin"); err != nil {
			t.Errorf("uninstall: %v", err)
		}
	})
	t.Cleanup(uninstall)
	return uninstall
}

// helmTest runs the test of the release, and returns the log of its pod. Then it deletes the pod.
func helmTest(t *testing.T, local *cluster, helm *action.Configuration, namespace string) (string, error) {
	t.Helper()
	test := action.NewReleaseTesting(helm)
	test.Namespace, test.Timeout = namespace, waitTimeout
	tested, failed := test.Run("plugin")
	if tested == nil {
		t.Fatalf("helm test: %v", failed)
	}
	var log bytes.Buffer
	if err := test.GetPodLogs(&log, tested); err != nil {
		t.Errorf("helm test --logs: %v", err)
	}
	if _, err := local.run(testEnv.ctx, "-n", namespace, "delete", "pods", "-l", "app.kubernetes.io/name=interlink-kubernetes-plugin-test"); err != nil {
		t.Error(err)
	}
	return log.String(), failed
}

// createCredentials creates the namespace of the chart, with the Secret that holds the
// plugin's kubeconfig.
func createCredentials(t *testing.T, local *cluster) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: chartNamespace, Labels: map[string]string{
		"pod-security.kubernetes.io/enforce": "restricted",
	}}}
	if _, err := local.client.CoreV1().Namespaces().Create(testEnv.ctx, namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := local.run(afterTest(), "delete", "namespace", chartNamespace); err != nil {
			t.Error(err)
		}
	})
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "remote-cluster"}, Data: map[string][]byte{"kubeconfig": testEnv.clusterWide.internal}}
	if _, err := local.client.CoreV1().Secrets(chartNamespace).Create(testEnv.ctx, secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// newHelm returns a Helm client for a namespace of a cluster.
func newHelm(t *testing.T, kubeconfig, namespace string) *action.Configuration {
	t.Helper()
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig, flags.Namespace = &kubeconfig, &namespace
	helm := &action.Configuration{}
	if err := helm.Init(flags, namespace, "secret", func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	return helm
}

// releasePods returns the names of the release's pods that are not being deleted.
func releasePods(t *testing.T, local *cluster) []string {
	t.Helper()
	list, err := local.client.CoreV1().Pods(chartNamespace).List(testEnv.ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=plugin"})
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

// playSome plays some scenarios against a plugin in the local cluster.
func playSome(t *testing.T, address string) {
	t.Helper()
	files, err := scenario.ReadAll(scenarios)
	if err != nil {
		t.Fatal(err)
	}
	some := []string{"plain-pod", "exit-code", "volume-configmap", "logs-of-each-container"}
	files = slices.DeleteFunc(files, func(f *scenario.File) bool { return !slices.Contains(some, f.Name) })
	result, err := play.Run(testEnv.ctx, files, play.Options{
		Plugin: address, Client: testEnv.remote.client, Environ: []string{"OFFLOADING_NAMESPACE_PREFIX=offloading-chart"}, Parallel: len(some),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Scenarios) != len(some) {
		t.Fatalf("%d scenarios were played, want %d", len(result.Scenarios), len(some))
	}
	for _, s := range result.Scenarios {
		if s.Verdict != report.Passed {
			t.Errorf("%s %s: %s%s\n%s", s.Name, s.Verdict, s.Skipped, strings.Join(s.Texts(), "\n"), history(s))
		}
	}
}

// checkMetrics requests the metrics as Prometheus does.
func checkMetrics(t *testing.T, address string) {
	t.Helper()
	response, err := http.Get(address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // the test reads it to its end
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(text), "\ninterlink_") {
		t.Errorf("%s, %v: %.300s", response.Status, err, text)
	}
}

// forward forwards a port of a pod to this machine until the end of the test, and
// returns its URL.
func forward(t *testing.T, local *cluster, pod string, port int) string {
	t.Helper()
	round, upgrader, err := spdy.RoundTripperFor(local.config)
	if err != nil {
		t.Fatal(err)
	}
	url := local.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(chartNamespace).Name(pod).SubResource("portforward").URL()
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
		t.Fatalf("forward port %d of pod %s: %v", port, pod, failed)
	case <-time.After(waitTimeout):
		t.Fatalf("forward port %d of pod %s: no connection within %s", port, pod, waitTimeout)
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", ports[0].Local)
}

// describeRelease returns what a user needs to see when the release does not become
// ready.
func describeRelease(local *cluster, namespace string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var text strings.Builder
	for _, args := range [][]string{{"describe", "pods"}, {"logs", "--all-containers", "--prefix", "--tail=40", "-l", "app.kubernetes.io/instance=plugin"}} {
		out, err := local.run(ctx, append([]string{"-n", namespace}, args...)...)
		fmt.Fprintln(&text, filepath.Join(args...), err, "\n"+out)
	}
	return text.String()
}
