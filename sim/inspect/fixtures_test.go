package inspect_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// newSnapshot returns a snapshot with ConfigMaps and a Secret.
func newSnapshot() *inspect.Snapshot {
	meta := metav1.ObjectMeta{Name: "o", Namespace: "ns"}
	return &inspect.Snapshot{
		ConfigMaps: []corev1.ConfigMap{
			{ObjectMeta: metav1.ObjectMeta{Name: "o", Namespace: "other"}, Data: map[string]string{"a": "wrong namespace"}},
			{ObjectMeta: meta, Data: map[string]string{"a": "1", "b": "2"}, BinaryData: map[string][]byte{"bin": {0, 255}}},
			{ObjectMeta: metav1.ObjectMeta{Name: "late", Namespace: "ns"}, Data: map[string]string{"a": "late"}},
		},
		Secrets: []corev1.Secret{{ObjectMeta: meta, Data: map[string][]byte{"k": []byte("s3")}}},
	}
}

// parsePod returns a pod with metadata, status and an init container, and with the rest
// of its spec from text.
func parsePod(t *testing.T, text string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	manifest := "metadata: {name: p, namespace: ns, uid: u, labels: {x: z, a: 'q\"'}, annotations: {an: note}}\nstatus: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}], hostIP: 10.1.0.1, hostIPs: [{ip: 10.1.0.1}]}\nspec:\n  nodeName: worker\n  serviceAccountName: sa\n  initContainers: [{name: early}]\n" + text
	if err := yaml.UnmarshalStrict([]byte(manifest), pod); err != nil {
		t.Fatalf("%v\n%s", err, manifest)
	}
	return pod
}

// checkResult compares got with want, or err with its expected text.
func checkResult[T any](t *testing.T, want, got T, err error, errorText string) {
	t.Helper()
	switch {
	case errorText != "":
		if err == nil || !strings.Contains(err.Error(), errorText) {
			t.Errorf("the error is %v, want one with %q", err, errorText)
		}
	case err != nil:
		t.Error(err)
	default:
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}
