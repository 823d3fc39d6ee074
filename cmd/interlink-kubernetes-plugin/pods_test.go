package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// offload creates a remote pod, as the plugin would, with a secret where no command may show it.
func offload(t *testing.T, server *apiserver.Server, namespace, name string, change func(*corev1.Pod)) {
	t.Helper()
	pods := server.Client.CoreV1().Pods(namespace)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:   name + "-remote",
			Labels: map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: namespace, wire.LabelPodUID: "uid-" + name},
			Annotations: map[string]string{
				wire.AnnotationSourceNamespace: "demo", wire.AnnotationSourceName: name, wire.AnnotationSourceNode: "vk",
			},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "main", Image: "busybox", Command: []string{"echo", "s3cr3t"}, Env: []corev1.EnvVar{{Name: "TOKEN", Value: "s3cr3t"}},
		}}},
	}
	change(pod)
	status := pod.Status
	created, err := pods.Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	created.Status = status
	if _, err := pods.UpdateStatus(t.Context(), created, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// withPods creates pods in each state in a namespace of a real API server.
func withPods(t *testing.T, server *apiserver.Server) (namespace string) {
	t.Helper()
	namespace = server.Namespace(t)
	offload(t, server, namespace, "web", func(pod *corev1.Pod) {
		pod.Annotations[wire.AnnotationWarnings] = "the volume \x1b[31mdata\x07 is left out\nsecond"
		pod.Spec.NodeName = "worker-1"
		pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.0.0.1", PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}}, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", RestartCount: 3, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}}}
	})
	offload(t, server, namespace, "stuck", func(pod *corev1.Pod) {
		pod.Annotations[wire.AnnotationSourceNamespace], pod.Annotations[wire.AnnotationSourceName] = "other", "st\x1b]0;title\x07\u202euck"
		pod.Status = corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no image\r\x1b[2J"}},
		}}}
	})
	offload(t, server, namespace, "failed", func(pod *corev1.Pod) {
		pod.Status = corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 7, Reason: "Error", Message: "s3cr3t"}},
		}}}
	})
	offload(t, server, namespace, "foreign", func(pod *corev1.Pod) { pod.Labels[wire.LabelInstance] = "another-installation" })
	for name, ended := range map[string]string{"waits": "", "gone": wire.WaitEndedByDelete} {
		_, err := server.Client.CoreV1().ConfigMaps(namespace).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name:   name + "-remote.request",
			Labels: map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: namespace, wire.LabelStoredRequest: "uid-" + name},
			Annotations: map[string]string{
				wire.AnnotationSourceNamespace: "demo", wire.AnnotationSourceName: name, wire.AnnotationWaitingSince: time.Now().Add(-time.Hour).UTC().Format(time.RFC3339),
				wire.AnnotationRefusal: "exceeded quota: \x1b[1mcompute", wire.AnnotationWaitEnded: ended,
			},
		}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	return namespace
}

// The command lists what is in the remote cluster, in each format. Nothing that it prints acts on a terminal, and
// nothing is the user's secret. The names of the JSON are those of the golden.
func TestPodsCommand(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := withPods(t, server)
	variable := strings.NewReplacer(namespace, "NAMESPACE")
	fields := regexp.MustCompile(`("created": |created: )"?20[0-9TZ:-]+"?|("uid": "|uid: )[0-9a-f-]{36}`)
	pods := func(args ...string) (stdout, stderr string, code int) {
		var out, errs bytes.Buffer
		code = run(t.Context(), append([]string{"pods", "--k8s-kubeconfig-path", kubeconfig(t, server.Kubeconfig()), "--app-instance", namespace}, args...), nil, &out, &errs)
		return out.String(), errs.String(), code
	}
	for _, test := range []struct {
		args   string
		golden string
		code   int
		stderr string
	}{
		{"", "table.txt", 0, ""},
		{"-o wide", "wide.txt", 0, ""},
		{"-o json", "list.json", 0, ""},
		{"-o yaml", "list.yaml", 0, ""},
		{"-n demo web waits", "names.txt", 0, ""},
		{"demo/failed other/web", "one.txt", 1, "no offloaded pod has the local name other/web"},
		{"-n nowhere", "", 0, `no pods of installation "` + namespace + `" are found`},
		{"-n nowhere -o json", "none.json", 0, "no pods"},
	} {
		t.Run(test.args, func(t *testing.T) {
			stdout, stderr, code := pods(strings.Fields(test.args)...)
			if code != test.code || !strings.Contains(stderr, test.stderr) || (stderr == "") != (test.stderr == "") || strings.Count(stderr, "\n") > 1 {
				t.Errorf("exit code %d, want %d with %q: %s", code, test.code, test.stderr, stderr)
			}
			if strings.ContainsAny(strings.ReplaceAll(stdout, "\n", ""), "\x1b\x07\r\u202e\u009b") || strings.Contains(stdout, "s3cr3t") || strings.Contains(stdout, "foreign") {
				t.Errorf("the output is %q", stdout)
			}
			got := fields.ReplaceAllString(variable.Replace(stdout), "${1}${2}VARIES")
			got = regexp.MustCompile(` +[0-9]+s\b| +[0-9]+[dhy0-9]*[dhy]\b`).ReplaceAllString(got, " AGE")
			got = regexp.MustCompile(`AGE +`).ReplaceAllString(got, "AGE  ")
			got = regexp.MustCompile(`NAMESPACE +`).ReplaceAllString(got, "NAMESPACE ")
			path := filepath.Join("testdata", "pods", test.golden)
			if test.golden == "" {
				if stdout != "" {
					t.Errorf("the output is %q", stdout)
				}
				return
			}
			if *update {
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An account that lacks a right gets one line that says what to do; without the right to list ConfigMaps, the pods
// are listed all the same.
func TestPodsWithoutRights(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := withPods(t, server)
	user, err := server.AddUser("pods-" + namespace)
	if err != nil {
		t.Fatal(err)
	}
	content, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	pods := func(args ...string) (string, string, int) {
		var stdout, stderr bytes.Buffer
		args = append([]string{"pods", "--k8s-kubeconfig-path", kubeconfig(t, content), "--app-instance", namespace, "--offloading-namespace", namespace}, args...)
		code := run(t.Context(), args, nil, &stdout, &stderr)
		return stdout.String(), stderr.String(), code
	}
	stdout, stderr, code := pods()
	if code != exitFailed || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "interlink-kubernetes-plugin check shows which permissions are missing") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	stdout, stderr, code = pods(`--k8s-client-configuration={"host":"https://127.0.0.1:1"}`)
	if code != exitFailed || stdout != "" || !strings.Contains(stderr, "list pods") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	rule := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}}
	if err := server.Grant(t.Context(), "pods-"+namespace, namespace, rule); err != nil {
		t.Fatal(err)
	}
	testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, "pods are listed", func(context.Context) error {
		stdout, stderr, code := pods()
		if code != 0 || !strings.Contains(stdout, "web") || !strings.Contains(stderr, "pods that wait for a quota are not listed") || strings.Count(stderr, "\n") != 1 {
			return errors.New(stdout + stderr)
		}
		return nil
	})
}

func TestMistakesInPods(t *testing.T) {
	for line, want := range map[string]string{
		"pods -o xml":          `"xml" is not a format of this command; the formats are table, wide, json, yaml`,
		"pods a=s3cr3t":        "the value is not the name of a pod: give NAME or NAMESPACE/NAME",
		"pods --namespac demo": "did you mean --namespace?",
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(line), nil, &stdout, &stderr); code != exitInvalid || stdout.Len() > 0 ||
			!strings.Contains(stderr.String(), want) || strings.Count(stderr.String(), "\n") != 1 || strings.Contains(stderr.String(), "s3cr3t") {
			t.Errorf("%s: exit code %d\n%s%s", line, code, &stdout, &stderr)
		}
	}
}
