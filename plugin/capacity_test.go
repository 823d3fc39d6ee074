package plugin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// quantities returns a resource list from "name=quantity" words.
func quantities(words string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for word := range strings.FieldsSeq(words) {
		name, quantity, _ := strings.Cut(word, "=")
		list[corev1.ResourceName(name)] = resource.MustParse(quantity)
	}
	return list
}

// addNode creates a Ready node with a label that only this test has. It is deleted when the test ends.
func addNode(t *testing.T, admin kubernetes.Interface, name, pool, allocatable string) {
	t.Helper()
	node, err := admin.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pool": pool}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{}) })
	node.Spec.Taints = nil // the API server adds not-ready
	if node, err = admin.CoreV1().Nodes().Update(t.Context(), node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	node.Status.Capacity, node.Status.Allocatable = quantities(allocatable), quantities(allocatable)
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	if _, err := admin.CoreV1().Nodes().UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// addPod creates a pod on a node, which the site runs there.
func addPod(t *testing.T, admin kubernetes.Interface, namespace, name, node, requests string) {
	t.Helper()
	_, err := admin.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{
		NodeName: node, Containers: []corev1.Container{{Name: "main", Image: "x", Resources: corev1.ResourceRequirements{Requests: quantities(requests), Limits: quantities(requests)}}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// said is what a ping says, as "name=quantity" words.
func (h *harness) said() string {
	h.t.Helper()
	code, text := h.call(http.MethodGet, "/status", []byte("[]"))
	if code != http.StatusOK {
		h.t.Fatalf("the ping is answered %d %s", code, text)
	}
	var answer struct {
		Resources *struct {
			CPU, Memory, Pods string
			Accelerators      []struct{ ResourceType, Available string }
		}
		Taints *[]struct{ Key string }
	}
	if json.Unmarshal(text, &answer) != nil || answer.Resources == nil {
		return strings.TrimSpace(string(text))
	}
	words := fmt.Sprintf("cpu=%s memory=%s pods=%s", answer.Resources.CPU, answer.Resources.Memory, answer.Resources.Pods)
	for _, a := range answer.Resources.Accelerators {
		words += " " + a.ResourceType + "=" + a.Available
	}
	if answer.Taints != nil {
		for _, taint := range *answer.Taints {
			words += " taint:" + taint.Key
		}
	}
	return words
}

// expectSaid waits until a ping says this.
func (h *harness) expectSaid(what, want string) {
	h.t.Helper()
	last := ""
	defer func() {
		if h.t.Failed() {
			h.t.Logf("%s: the ping says %s, want %s", what, last, want)
		}
	}()
	h.eventually(what, func() bool { last = h.said(); return last == want })
}

func reportNodes(pool string, change func(*config.Config)) func(*settings) {
	return func(s *settings) {
		s.config.Offloading.ReportResources = config.ReportNodes
		s.config.Offloading.NodeSelector = map[string]string{"pool": pool}
		change(s.config)
	}
}

// The ping follows nodes and pods: what a node has, what others use there, and what is lost.
func TestPingReportsNodes(t *testing.T) {
	server := apiserver.ForTest(t)
	admin, ctx, namespace := server.Client, t.Context(), server.Namespace(t)
	addNode(t, admin, "capacity-a", "report", "cpu=8 memory=16Gi pods=110 ephemeral-storage=10Gi")
	addNode(t, admin, "capacity-b", "report", "cpu=4 memory=8Gi pods=10 example.com/gpu=2")
	addNode(t, admin, "capacity-other", "elsewhere", "cpu=64 memory=1Ti pods=110")
	h := startOn(t, server, reportNodes("report", func(*config.Config) {}))
	h.expectSaid("the nodes", "cpu=12 memory=24Gi pods=120 ephemeral-storage=10737418240 example.com/gpu=2")

	addPod(t, admin, namespace, "of-others", "capacity-a", "cpu=500m memory=1Gi ephemeral-storage=1Gi")
	h.expectSaid("a pod of others", "cpu=11500m memory=23Gi pods=119 ephemeral-storage=9663676416 example.com/gpu=2")
	addPod(t, admin, namespace, "with-gpu", "capacity-b", "cpu=1 memory=1Gi example.com/gpu=1")
	h.expectSaid("a pod with a GPU", "cpu=10500m memory=22Gi pods=118 ephemeral-storage=9663676416 example.com/gpu=1")

	// A pod of the same name on another node.
	none := int64(0)
	h.must(admin.CoreV1().Pods(namespace).Delete(ctx, "of-others", metav1.DeleteOptions{GracePeriodSeconds: &none}))
	addPod(t, admin, namespace, "of-others", "capacity-other", "cpu=500m memory=1Gi")
	h.expectSaid("the pod is on a node that is not used", "cpu=11 memory=23Gi pods=119 ephemeral-storage=10737418240 example.com/gpu=1")

	pod, err := admin.CoreV1().Pods(namespace).Get(ctx, "with-gpu", metav1.GetOptions{})
	h.must(err)
	pod.Status.Phase = corev1.PodSucceeded
	_, err = admin.CoreV1().Pods(namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	h.must(err)
	h.expectSaid("a pod that has ended", "cpu=12 memory=24Gi pods=120 ephemeral-storage=10737418240 example.com/gpu=2")

	request := podOf("mine", busybox("main"))
	request.Pod.Spec.Containers[0].Resources.Requests = quantities("cpu=2 memory=1Gi")
	h.create(request)
	h.must(admin.CoreV1().Pods(h.remotePod(request.Pod).Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: h.remotePod(request.Pod).Name}, Target: corev1.ObjectReference{Kind: "Node", Name: "capacity-a"},
	}, metav1.CreateOptions{}))
	h.eventually("its own pod is counted as such", func() bool {
		report, _ := h.plugin.Capacity()
		found, _ := report.Find(corev1.ResourceCPU)
		return found.Used.String() == "2" && found.Offered.String() == "12" && !report.Since.IsZero()
	})

	patch := func(name, body string) {
		t.Helper()
		_, err := admin.CoreV1().Nodes().Patch(ctx, name, types.MergePatchType, []byte(body), metav1.PatchOptions{})
		h.must(err)
	}
	patch("capacity-b", `{"spec":{"unschedulable":true}}`)
	h.expectSaid("a node is cordoned", "cpu=8 memory=16Gi pods=110 ephemeral-storage=10737418240 example.com/gpu=0")
	patch("capacity-b", `{"spec":{"unschedulable":false}}`)
	h.expectSaid("it is used again", "cpu=12 memory=24Gi pods=120 ephemeral-storage=10737418240 example.com/gpu=2")
	patch("capacity-a", `{"spec":{"taints":[{"key":"site","effect":"PreferNoSchedule"}]}}`)
	patch("capacity-b", `{"spec":{"taints":[{"key":"site","effect":"PreferNoSchedule"}]}}`)
	h.expectSaid("a taint", "cpu=12 memory=24Gi pods=120 ephemeral-storage=10737418240 example.com/gpu=2 taint:site")
	h.must(admin.CoreV1().Nodes().Delete(ctx, "capacity-b", metav1.DeleteOptions{}))
	h.expectSaid("the node with the GPU is gone, and the GPU is said to be", "cpu=8 memory=16Gi pods=110 ephemeral-storage=10737418240 example.com/gpu=0 taint:site")
}

// The ping follows the quota of the only namespace; the number of pods is never more than node_pods.
func TestPingReportsQuota(t *testing.T) {
	server := apiserver.ForTest(t)
	admin, ctx, namespace := server.Client, t.Context(), server.Namespace(t)
	h := startOn(t, server, func(s *settings) {
		s.config.Offloading.Namespace, s.config.Offloading.ReportResources, s.config.Offloading.Reserve = namespace, config.ReportQuota, 10
		s.config.Offloading.NodePods = 15
	})
	h.expectSaid("there is no quota", "cpu= memory= pods=15")
	quota, err := admin.CoreV1().ResourceQuotas(namespace).Create(ctx, &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "site"}, Spec: corev1.ResourceQuotaSpec{Hard: quantities("requests.cpu=10 requests.memory=20Gi pods=100 requests.example.com/gpu=4")},
	}, metav1.CreateOptions{})
	h.must(err)
	h.expectSaid("a quota", "cpu=9 memory=18Gi pods=15 example.com/gpu=3")
	quota.Status.Hard, quota.Status.Used = quota.Spec.Hard, quantities("requests.cpu=0 requests.memory=0 pods=0 requests.example.com/gpu=0") // as its controller does
	quota, err = admin.CoreV1().ResourceQuotas(namespace).UpdateStatus(ctx, quota, metav1.UpdateOptions{})
	h.must(err)
	addPod(t, admin, namespace, "of-others", "", "cpu=1 memory=2Gi")
	h.expectSaid("a pod of others", "cpu=8 memory=16Gi pods=15 example.com/gpu=3")
	quota, err = admin.CoreV1().ResourceQuotas(namespace).Get(ctx, quota.Name, metav1.GetOptions{})
	h.must(err)
	quota.Status.Hard = quantities("requests.cpu=10 requests.memory=20Gi pods=5 requests.example.com/gpu=0")
	_, err = admin.CoreV1().ResourceQuotas(namespace).UpdateStatus(ctx, quota, metav1.UpdateOptions{})
	h.must(err)
	h.expectSaid("less is permitted", "cpu=8 memory=16Gi pods=3 example.com/gpu=0")
}

// While the remote API server is down, the ping says the last numbers at once; afterwards it follows again.
func TestPingReportsWhileTheAPIServerIsDown(t *testing.T) {
	server, err := apiserver.Start(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	addNode(t, server.Client, "capacity-down", "down", "cpu=3 memory=1Gi pods=7 example.com/gpu=1")
	h := startOn(t, server, reportNodes("down", func(*config.Config) {}))
	const before = "cpu=3 memory=1Gi pods=7 example.com/gpu=1"
	h.expectSaid("before", before)
	h.must(server.Down())
	h.eventually("nothing listens", func() bool {
		_, err := server.Client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
		return err != nil
	})
	for range 20 {
		if got := h.said(); got != before {
			t.Fatalf("the ping says %s", got)
		}
	}
	h.must(server.Up())
	_, err = server.Client.CoreV1().Nodes().Patch(t.Context(), "capacity-down", types.MergePatchType, []byte(`{"spec":{"unschedulable":true}}`), metav1.PatchOptions{})
	h.must(err)
	testkit.EventuallyNoError(t.Context(), t, 3*testkit.Timeout, "the ping follows again", func(context.Context) error {
		if got := h.said(); got != "cpu=0 memory=0 pods=0 example.com/gpu=0" {
			return fmt.Errorf("the ping says %s", got)
		}
		return nil
	})
}
