package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The command lists marked pods, deletes those that are due, and says with its exit code
// what went wrong.
func TestOrphansCommand(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	pods := server.Client.CoreV1().Pods(namespace)
	_, err := pods.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:   "marked",
			Labels: map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: namespace, wire.LabelPodUID: "u"},
			Annotations: map[string]string{
				wire.AnnotationSourceNamespace: "demo", wire.AnnotationSourceName: "web", wire.AnnotationSourceNode: "vk",
				wire.AnnotationUnaskedSince: time.Now().Add(-61 * time.Minute).Format(time.RFC3339Nano),
			},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"--k8s-kubeconfig-path", kubeconfig(t, server.Kubeconfig()), "--app-instance", namespace}
	without, err := server.AddUser("orphans-of-a-user-without-rights")
	if err != nil {
		t.Fatal(err)
	}
	text, err := without.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	refused := []string{"--k8s-kubeconfig-path", kubeconfig(t, text), "--app-instance", namespace}
	for _, test := range []struct {
		args  []string
		code  int
		want  string // on standard output or standard error
		exist bool
	}{
		{[]string{"orphans"}, 2, "orphans list|delete", true},
		{[]string{"orphans", "find"}, 2, "orphans list|delete", true},
		{[]string{"orphans", "--help"}, 0, "Exit codes", true},
		{[]string{"orphans", "delete", "--help"}, 0, "Exit codes", true},
		{append([]string{"orphans", "delete", "--no-such-flag"}, flags...), 2, "no-such-flag", true},
		{append([]string{"orphans", "delete", "--offloading-orphan-grace=0s"}, flags...), 2, "orphan_grace is 0s, so nothing is an orphan: set it to a duration such as 1h", true},
		{append([]string{"orphans", "list", `--k8s-client-configuration={"host":"https://127.0.0.1:1"}`}, flags...), 1, "list pods", true},
		{append([]string{"orphans", "list"}, refused...), 1, "interlink-kubernetes-plugin check shows which permissions are missing\n", true},
		{append([]string{"orphans", "delete", "--offloading-orphan-grace=2h"}, flags...), 0, "deleted: 0", true},
		{append([]string{"orphans", "list"}, flags...), 0, namespace + "/marked  demo/web", true},
		{append([]string{"orphans", "list", "-o", "json"}, flags...), 0, `"name": "marked"`, true},
		{append([]string{"orphans", "list", "-o", "yaml"}, flags...), 0, "local: demo/web", true},
		{append([]string{"orphans", "list", "-o", "wide"}, flags...), 2, "the formats are table, json, yaml", true},
		{append([]string{"orphans", "delete", "-o", "json"}, flags...), 0, `"deleted": 1`, false},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			var out bytes.Buffer
			if code := run(t.Context(), test.args, nil, &out, &out); code != test.code || !strings.Contains(out.String(), test.want) {
				t.Errorf("exit code %d, want %d with %q:\n%s", code, test.code, test.want, &out)
			}
			if _, err := pods.Get(t.Context(), "marked", metav1.GetOptions{}); apierrors.IsNotFound(err) == test.exist {
				t.Errorf("the pod: %v", err)
			}
		})
	}
}
