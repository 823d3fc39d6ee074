package plugin_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

// The last nodes with some devices were deleted while no plugin ran. The next one says them as 0: those that the ledger of
// used resources names, and those that pods of this installation request.
func TestPingSaysWhatWentWhileNoPluginRan(t *testing.T) {
	server := apiserver.ForTest(t)
	admin, ctx, namespace := server.Client, t.Context(), server.Namespace(t)
	addNode(t, admin, "capacity-gone", "gone", "cpu=8 memory=16Gi pods=110")
	const ledger = `{"format":1,"until":"2026-01-01T00:00:00Z","namespaces":{"team":{"changed":"2026-01-01T00:00:00Z","totals":{"cpu":"100","ephemeral-storage":"7","example.com/fpga":"30"}}}}`
	_, err := admin.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: scope.Scope{Instance: "gone"}.LedgerName()}, Data: map[string]string{"ledger.json": ledger},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h := startOn(t, server, reportNodes("gone", func(cfg *config.Config) {
		cfg.App.LeaseNamespace, cfg.App.Instance = namespace, "gone"
	}))
	h.expectSaid("a device that was used", "cpu=8 memory=16Gi pods=110 example.com/fpga=0")

	request := podOf("needs-gpu", busybox("main"))
	request.Pod.Spec.Containers[0].Resources.Limits = quantities("example.com/gpu=1")
	request.Pod.Spec.Containers[0].Resources.Requests = quantities("example.com/gpu=1")
	h.create(request)
	h.expectSaid("a device that a pod requests", "cpu=8 memory=16Gi pods=110 example.com/fpga=0 example.com/gpu=0")
}
