package plugin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// metric returns the value of a line of /metrics.
func (h *harness) metric(admin, line string) (float64, bool) {
	h.t.Helper()
	response, err := http.Get(admin + "/metrics") //nolint:noctx // it ends with the test
	h.must(err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	h.must(err)
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(line) + ` (\S+)$`).FindStringSubmatch(string(text))
	if found == nil {
		return 0, false
	}
	value, err := strconv.ParseFloat(found[1], 64)
	h.must(err)
	return value, true
}

// The metrics tell how many pods wait for a quota and for how long, and what the search for
// orphans finds and deletes.
func TestMetricsOfWaitingPodsAndOrphans(t *testing.T) {
	server := apiserver.ForTest(t)
	quota := &fullQuota{}
	quota.hung.Store(true) // nothing hangs
	namespace := server.Namespace(t)
	object := func(name string, annotations map[string]string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: annotations, Labels: map[string]string{
			wire.LabelOffloading: wire.Offloading, wire.LabelInstance: namespace, wire.LabelPodUID: "of-" + name}}
	}
	marked := &corev1.Pod{
		ObjectMeta: object("marked", map[string]string{wire.AnnotationSourceNode: "vk", wire.AnnotationUnaskedSince: time.Now().Format(time.RFC3339)}),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}
	_, err := server.Client.CoreV1().Pods(namespace).Create(t.Context(), marked, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: object("claim", map[string]string{wire.AnnotationRetention: "delete"}), Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}}
	admin := fmt.Sprintf("localhost:%d", testkit.FreePort(t))
	h := startOn(t, server, func(s *settings) {
		config := rest.CopyConfig(server.Config)
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { quota.next = next; return quota })
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		s.client, s.config.App.AdminAddress, s.config.App.Instance = client, admin, namespace
		s.config.Offloading.Namespace, s.config.App.LeaseNamespace = namespace, namespace
		s.config.Offloading.OrphanGrace, s.config.Offloading.CreateTimeout = time.Second, 2*time.Second
	})
	admin = "http://" + admin
	const deleted = `interlink_plugin_orphans_deleted_total{kind="persistentvolumeclaims"}`
	for _, line := range []string{"interlink_plugin_waiting_pods", "interlink_plugin_waiting_oldest_seconds", deleted} {
		if value, ok := h.metric(admin, line); !ok || value != 0 {
			t.Errorf("at the start, %s is %v (%v)", line, value, ok)
		}
	}
	_, err = server.Client.CoreV1().PersistentVolumeClaims(namespace).Create(t.Context(), claim, metav1.CreateOptions{})
	h.must(err)
	h.eventually("a pod waits", func() bool { // the markers are listed a moment later
		body, err := json.Marshal(podOf("waits", busybox("main")))
		h.must(err)
		status, _ := h.call(http.MethodPost, "/create", body)
		return status == http.StatusOK
	})
	if pods, _ := h.metric(admin, "interlink_plugin_waiting_pods"); pods != 1 {
		t.Errorf("%v pods wait, want 1", pods)
	}
	h.eventually("it has waited for a moment", func() bool {
		seconds, _ := h.metric(admin, "interlink_plugin_waiting_oldest_seconds")
		return seconds > 0
	})
	for line, want := range map[string]func(float64) bool{
		"interlink_plugin_orphans_marked_pods":                func(v float64) bool { return v == 1 },
		"interlink_plugin_orphans_searched_timestamp_seconds": func(v float64) bool { return v > 1e9 && v < 1e11 },
		deleted: func(v float64) bool { return v == 1 },
	} {
		h.eventually(line, func() bool { value, _ := h.metric(admin, line); return want(value) })
	}
	if !strings.Contains(h.log.String(), "deleted an object without a pod") {
		t.Error("the claim is not in the log")
	}
}
