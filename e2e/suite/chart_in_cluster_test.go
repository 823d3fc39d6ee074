//go:build e2e

package suite

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// testChartInCluster installs a plugin that offloads to its own cluster, with the permissions that the chart creates.
// Its check finds no permission missing, and a pod runs.
func testChartInCluster(t *testing.T) {
	const namespace = "e2e-chart-in-cluster"
	local := openLocalCluster(t)
	if _, err := local.client.CoreV1().Namespaces().Create(testEnv.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, name := range []string{namespace, "in-cluster-" + namespace} {
			if _, err := local.run(afterTest(), "delete", "namespace", name, "--ignore-not-found"); err != nil {
				t.Error(err)
			}
		}
	})
	helm := newHelm(t, local.kubeconfig, namespace)
	uninstall := installChart(t, local, helm, loadChart(t), namespace, map[string]any{
		"image":  imageValue(t),
		"remote": map[string]any{"inCluster": true},
		"rbac":   map[string]any{"create": true, "optional": []any{"classes", "orphan-secrets"}},
		"test":   map[string]any{"image": "busybox:1.37", "command": []any{"sh", "-c", "echo the chart works"}, "expect": "the chart works", "timeoutSeconds": 180},
		"config": map[string]any{"offloading": map[string]any{"namespace_prefix": "in-cluster", "report_resources": "nodes"}},
	})
	for args, want := range map[string]string{"check": "", "check --fix": "# No permission is missing."} {
		command := append([]string{"-n", namespace, "exec", "deploy/plugin-interlink-kubernetes-plugin", "--", "/interlink-kubernetes-plugin"}, strings.Fields(args)...)
		if out, err := local.run(testEnv.ctx, command...); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s in the pod: %v\n%s", args, err, out)
		}
	}
	if log, err := helmTest(t, local, helm, namespace); err != nil || !strings.Contains(log, "the chart works") {
		t.Errorf("helm test: %v\n%s\n%s", err, log, describeRelease(local, namespace))
	}
	uninstall()
}
