package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// reloadFaulty is a program with a configuration file, and a pod that runs.
type reloadFaulty struct {
	*faultyRemote
	file    string
	request wire.CreateRequest
	remote  *corev1.Pod
	beats   int
}

// startReloadFaulty starts the program with a file that offers 5 pods.
func startReloadFaulty(t *testing.T) *reloadFaulty {
	t.Helper()
	r := &reloadFaulty{file: filepath.Join(t.TempDir(), "config.ini")}
	if err := os.WriteFile(r.file, []byte("[offloading]\nnode_pods=5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.faultyRemote = startFaulty(t, nil, "--config="+r.file)
	r.request = r.pod("demo", "runs")
	r.remote = r.create(r.request)
	r.follows("at the start")
	return r
}

// reload writes the configuration file, and lets the program read it.
func (r *reloadFaulty) reload(text string) {
	r.t.Helper()
	r.must(os.WriteFile(r.file, []byte(text), 0o600))
	r.must(r.cmd.Process.Signal(syscall.SIGHUP))
}

// offers waits until the ping offers a number of pods.
func (r *reloadFaulty) offers(pods int) {
	r.t.Helper()
	testkit.Eventually(r.t, fmt.Sprintf("the ping offers %d pods", pods), func() bool {
		code, said := r.call(http.MethodPost, "/status", []corev1.Pod{})
		return code == http.StatusOK && strings.Contains(said, fmt.Sprintf(`"pods":"%d"`, pods))
	})
}

// state returns the state of the pod that runs, as the plugin says it.
func (r *reloadFaulty) state() string {
	r.t.Helper()
	pod := *r.request.Pod.DeepCopy()
	pod.Annotations = map[string]string{wire.AnnotationJobID: r.remote.Name}
	code, said := r.call(http.MethodPost, "/status", []corev1.Pod{pod})
	if code != http.StatusOK {
		r.t.Errorf("the status of a pod that runs is answered %d %s", code, said)
	}
	return said
}

// beat changes the pod in the remote cluster, and returns what its status then has.
func (r *reloadFaulty) beat() string {
	r.t.Helper()
	r.beats++
	id := fmt.Sprintf("containerd://beat-%d.", r.beats)
	pods := r.server.Client.CoreV1().Pods(r.remote.Namespace)
	pod, err := pods.Get(r.t.Context(), r.remote.Name, metav1.GetOptions{})
	r.must(err)
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
		Name: "main", ContainerID: id, Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}}}}
	_, err = pods.UpdateStatus(r.t.Context(), pod, metav1.UpdateOptions{})
	r.must(err)
	return id
}

// follows waits until the plugin sees a change of the pod.
func (r *reloadFaulty) follows(when string) {
	r.t.Helper()
	id := r.beat()
	testkit.Eventually(r.t, "the plugin follows its pods "+when, func() bool { return strings.Contains(r.state(), id) })
}

// Whatever the remote API server answers, a reload of the file needs none of its answers: a good file is used, and one with
// mistakes is not, and pods that run are served. A maintenance that ends while each call of the creates that waited for it
// fails once, before its effect or after, lets all of them succeed; one that fails for good ends that create alone.
func TestReloadWhenRemoteCallsFail(t *testing.T) {
	r := startReloadFaulty(t)
	for n, fault := range []string{"401", "403-rights", "500", "stall", "reset-before"} {
		r.fail("* *: "+fault, "LIST *: "+fault, "WATCH *: "+fault)
		r.reload("[offloading]\nnode_pods=perhaps\n")
		testkit.Eventually(t, "a metric says that the file has mistakes", func() bool {
			_, text := r.get("/metrics", "")
			return strings.Contains(text, "\ninterlink_plugin_config_last_reload_successful 0\n")
		})
		r.offers(5 + n)
		r.reload(fmt.Sprintf("[offloading]\nnode_pods=%d\n", 6+n))
		r.offers(6 + n)
		if state := r.state(); !strings.Contains(state, "beat-") {
			t.Errorf("all calls are answered with %s: the state of a pod that runs is %s", fault, state)
		}
	}
	r.fail()
	r.follows("after the failures")

	r.reload("[app]\nmaintenance=true\n[offloading]\nnode_pods=5\n")
	r.offers(0)
	var rules []string
	requests := map[string]wire.CreateRequest{}
	for n, call := range []string{"POST namespaces", "POST pods", "POST configmaps", "PATCH pods"} {
		for m, fault := range []string{"503", "reset-before", "reset-after"} {
			local := fmt.Sprintf("n%d-%d", n, m)
			rules = append(rules, fmt.Sprintf("%s in %s-%s #1: %s", call, r.prefix, local, fault))
			requests[local] = r.pod(local, "p"+local)
		}
	}
	rules = append(rules, fmt.Sprintf("POST pods in %s-bad: 403-rights", r.prefix))
	requests["bad"] = r.pod("bad", "bad")
	r.fail(rules...)
	type answer struct {
		local, said string
		code        int
	}
	answers := make(chan answer, len(requests))
	for local, request := range requests {
		request.Containers = []wire.ContainerVolumes{{Name: "main", ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: local}, Data: map[string]string{"a": "b"}}}}}
		request.Pod.Spec.Volumes = []corev1.Volume{{Name: "c", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}}}}
		request.Pod.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}}}
		request.Pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "c", MountPath: "/c"}}
		go func() {
			code, said := r.call(http.MethodPost, "/create", request)
			answers <- answer{local, said, code}
		}()
	}
	for local, request := range requests {
		testkit.Eventually(t, "the pod "+local+" waits", func() bool {
			_, said := r.call(http.MethodPost, "/status", []corev1.Pod{request.Pod})
			return strings.Contains(said, "RemoteMaintenance")
		})
	}
	r.reload("[offloading]\nnode_pods=5\n")
	for range requests {
		a := testkit.Receive(t, "the answer to a create", answers)
		if (a.code == http.StatusOK) == (a.local == "bad") || a.local == "bad" && !strings.Contains(a.said, "forbidden") {
			t.Errorf("after the maintenance, the create of %s is answered %d %s; the rules are %q", a.local, a.code, a.said, rules)
		}
	}
	r.offers(5)
	r.fail()
	r.follows("after the maintenance")
	r.create(r.pod("bad", "again"))
	if _, text := r.get("/metrics", ""); !strings.Contains(text, "\ninterlink_plugin_config_last_reload_successful 1\n") {
		t.Errorf("the metrics are\n%s", text)
	}
}
