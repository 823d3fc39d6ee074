package policy_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/policy"
)

func TestJudge(t *testing.T) {
	owned := func(kind, version string) []metav1.OwnerReference {
		return []metav1.OwnerReference{{Kind: "Other", APIVersion: "example.org/v1"}, {Kind: kind, APIVersion: version}}
	}
	const (
		daemonSet = "pods of DaemonSets are not offloaded: they serve the node that they run on, and a virtual node has nothing to serve"
		demo      = "the remote site does not accept pods of namespace demo"
	)
	for _, test := range []struct {
		name    string
		remote  string
		owners  []metav1.OwnerReference
		options policy.Options
		want    string
	}{
		{"the zero options accept a pod", "offloading-demo", nil, policy.Options{}, ""},
		{"a namespace that is accepted", "offloading-demo", nil, policy.Options{Namespaces: []string{"other", "demo"}}, ""},
		{"a pattern", "offloading-demo", nil, policy.Options{Namespaces: []string{"other", "d?m*"}}, ""},
		{"a pattern that is only a part of the name", "offloading-demo", nil, policy.Options{Namespaces: []string{"dem", "emo", "*x"}}, demo},
		{"another namespace", "offloading-demo", nil, policy.Options{Namespaces: []string{"other"}}, demo},
		{"a pattern that is malformed accepts nothing", "offloading-demo", nil, policy.Options{Namespaces: []string{"["}}, demo},
		{"a pod of a DaemonSet", "offloading-demo", owned("DaemonSet", "apps/v1"), policy.Options{}, daemonSet},
		{"a pod of a DaemonSet, accepted", "offloading-demo", owned("DaemonSet", "apps/v1"), policy.Options{DaemonSets: true}, ""},
		{"a pod of a DaemonSet of another kind", "offloading-demo", owned("DaemonSet", "apps.kruise.io/v1"), policy.Options{}, ""},
		{"a pod of a ReplicaSet", "offloading-demo", owned("ReplicaSet", "apps/v1"), policy.Options{}, ""},
		{"a namespace of Kubernetes", "kube-system", nil, policy.Options{}, "remote namespace kube-system belongs to Kubernetes, and no pod is created there"},
		{"a namespace with a similar name", "kubeflow", nil, policy.Options{}, ""},
		{"a namespace of the plugin", "tcp-tunnel", nil, policy.Options{Reserved: []string{"interlink-plugin", "tcp-tunnel"}},
			"remote namespace tcp-tunnel belongs to the plugin, and no pod is created there"},
		{"all reasons are named", "kube-public", owned("DaemonSet", "apps/v1"), policy.Options{Namespaces: []string{"other"}},
			demo + "; " + daemonSet + "; remote namespace kube-public belongs to Kubernetes, and no pod is created there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			local := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "pod", OwnerReferences: test.owners}}
			judged := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: test.remote, Name: "pod-1"}}
			err := policy.Judge(judged, local, test.options)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want || err != nil && !errdefs.Is(err, errdefs.Refused) {
				t.Errorf("got %q (%s), want %q", got, errdefs.KindOf(err), test.want)
			}
		})
	}
}
