package fakecluster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
)

// applySteps applies manifests in any cluster, and returns what it observed.
func applySteps(t *testing.T, client kubernetes.Interface, namespace string) []string {
	force, ctx := true, t.Context()
	options := metav1.PatchOptions{FieldManager: "test", Force: &force}
	var observed []string
	record := func(format string, args ...any) {
		observed = append(observed, strings.ReplaceAll(fmt.Sprintf(format, args...), namespace, "NS"))
	}
	apply := func(in, name, body string) {
		applied, err := client.CoreV1().ConfigMaps(in).Patch(ctx, name, types.ApplyPatchType, []byte(body), options)
		if err != nil {
			record("apply %s: %v", body, err)
			return
		}
		record("apply %s: %s %v %v uid %v", body, applied.Name, applied.Labels, applied.Data, applied.UID != "")
	}
	const head = `"apiVersion":"v1","kind":"ConfigMap","metadata":`
	apply(namespace, "one", `{`+head+`{"name":"one","labels":{"l":"a"}},"data":{"a":"1"}}`)
	apply(namespace, "one", `{`+head+`{"name":"one","labels":{"l":"a"}},"data":{"a":"2"}}`)
	_, err := client.CoreV1().ConfigMaps(namespace).Patch(ctx, "one", types.StrategicMergePatchType, []byte(`{"data":{"a":"by hand","b":"3"}}`), metav1.PatchOptions{})
	record("patch: %v", err)
	apply(namespace, "one", `{`+head+`{"name":"one","labels":{"l":"b"}},"data":{"a":"4"}}`)
	apply("absent", "one", `{`+head+`{"name":"one"}}`)
	for _, body := range []string{
		`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"deny"},"spec":{"podSelector":{},"policyTypes":["Egress"]}}`,
		`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"deny"},"spec":{"podSelector":{},"policyTypes":["Ingress"]}}`,
	} {
		policy, err := client.NetworkingV1().NetworkPolicies(namespace).Patch(ctx, "deny", types.ApplyPatchType, []byte(body), options)
		if err != nil {
			t.Fatal(err)
		}
		record("policy: %v", policy.Spec.PolicyTypes)
	}
	return observed
}

// The cluster in memory answers server-side apply as a real API server does, as far as
// namespace templates need it.
func TestParityOfApply(t *testing.T) {
	server := apiserver.ForTest(t)
	want := applySteps(t, server.Client, server.Namespace(t))
	cluster := fakecluster.New(fakecluster.Options{})
	got := applySteps(t, cluster.Client(), "default")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-real +fake)\n%s", diff)
	}
}
