package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/accounting"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// countFast lets a plugin count often, and only a second behind.
func countFast(t *testing.T) func(*Plugin) {
	return func(p *Plugin) {
		translate, err := ReadTranslateOptions(*p.config())
		if err != nil {
			t.Fatal(err)
		}
		options := accountingOptions(*p.config(), translate.Scope, p.cluster, slog.New(slog.DiscardHandler))
		options.Every, options.Settle = 200*time.Millisecond, time.Second
		p.accounting = accounting.New(options)
	}
}

// usage is a plugin whose totals a test reads, one process after another.
type usage struct {
	t         *testing.T
	server    *apiserver.Server
	namespace string
	beating   string // the name of a remote pod whose changes let the watch hear something
	*outside
	last map[string]float64
}

func (u *usage) start() {
	u.outside = runOutside(u.t, string(u.server.Kubeconfig()), nil, func(cfg *config.Config) {
		cfg.App.Instance, cfg.Offloading.Namespace = u.namespace, u.namespace
	}, countFast(u.t))
	testkit.Eventually(u.t, "the pod cache is filled", u.plugin.cluster.Synced)
}

// look reads the totals ("namespace resource"), and until when they count. No total ever becomes less, also
// not in another process.
func (u *usage) look() (totals map[string]float64, until int64) {
	u.t.Helper()
	families := scrape(u.t, u.outside)
	until = int64(families["interlink_plugin_resource_seconds_counted_timestamp_seconds"].GetMetric()[0].GetGauge().GetValue())
	totals = map[string]float64{}
	for _, metric := range families["interlink_plugin_resource_seconds_total"].GetMetric() {
		labels := map[string]string{}
		for _, label := range metric.GetLabel() {
			labels[label.GetName()] = label.GetValue()
		}
		totals[labels["namespace"]+" "+labels["resource"]] = metric.GetCounter().GetValue()
	}
	for name, value := range u.last {
		if until != 0 && totals[name] < value {
			u.t.Fatalf("%s was %v and is %v", name, value, totals[name])
		}
	}
	if until != 0 {
		u.last = totals
	}
	return totals, until
}

// eventually waits until the totals are as a test expects. Meanwhile something happens in the remote cluster,
// as the totals do not go on while nothing is heard of it.
func (u *usage) eventually(what string, condition func(totals map[string]float64, until int64) bool) {
	u.t.Helper()
	testkit.Eventually(u.t, what, func() bool {
		patch := fmt.Sprintf(`{"metadata":{"annotations":{"beat":%q}}}`, time.Now())
		_, err := u.server.Client.CoreV1().Pods(u.namespace).Patch(u.t.Context(), u.beating, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		if err != nil {
			u.t.Fatal(err)
		}
		return condition(u.look())
	})
}

// create creates a pod, as InterLink does, and returns the name of the remote pod.
func (u *usage) create(namespace string, requests corev1.ResourceList) string {
	u.t.Helper()
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: namespace, UID: types.UID("of-" + namespace)}, Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		Containers:    []corev1.Container{{Name: "main", Image: "busybox", Resources: corev1.ResourceRequirements{Requests: requests, Limits: requests}}},
	}}
	body, err := json.Marshal(wire.CreateRequest{Pod: pod})
	if err != nil {
		u.t.Fatal(err)
	}
	response, err := u.interlink.Post("http://unix/create", "application/json", bytes.NewReader(body)) //nolint:noctx // it ends with the test
	if err != nil {
		u.t.Fatal(err)
	}
	_ = response.Body.Close()
	list, err := u.server.Client.CoreV1().Pods(u.namespace).List(u.t.Context(), metav1.ListOptions{LabelSelector: scope.PodSelector(string(pod.UID))})
	if err != nil || response.StatusCode != http.StatusOK || len(list.Items) != 1 {
		u.t.Fatalf("the create is answered %s, and there are the pods %v (%v)", response.Status, list.Items, err)
	}
	name := list.Items[0].Name
	// Other tests share the API server, which deletes no pods of a deleted namespace. t.Context() is done then.
	u.t.Cleanup(func() {
		err := u.server.Client.CoreV1().Pods(u.namespace).Delete(context.Background(), name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
		if err != nil && !apierrors.IsNotFound(err) {
			u.t.Error(err)
		}
	})
	return name
}

// report writes the state of the container of a remote pod, as its kubelet does.
func (u *usage) report(name string, phase corev1.PodPhase, state corev1.ContainerState) {
	u.t.Helper()
	pods := u.server.Client.CoreV1().Pods(u.namespace)
	patch, err := json.Marshal(map[string]any{"status": corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{Name: "main", State: state}}}})
	if err != nil {
		u.t.Fatal(err)
	}
	if _, err := pods.Patch(u.t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		u.t.Fatal(err)
	}
}

// What a pod used is on the metrics endpoint, exactly as its kubelet reports it. A plugin that is stopped and
// started again goes on with the sums, also while a container runs; of a pod that is deleted meanwhile, the
// time until the plugin stopped counts.
func TestUsageIsCountedOverARestart(t *testing.T) {
	server := apiserver.ForTest(t)
	u := &usage{t: t, server: server, namespace: server.Namespace(t)}
	u.start()
	request := func(cpu string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse("1Gi"), "nvidia.com/gpu": resource.MustParse("2")}
	}
	u.beating = u.create("idle", nil)
	stays, goes := u.create("stays", request("250m")), u.create("goes", request("4"))
	u.eventually("the ledger begins", func(_ map[string]float64, until int64) bool { return until > 0 })

	start := metav1.Now().Rfc3339Copy()
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: start}}
	u.report(stays, corev1.PodRunning, running)
	u.report(goes, corev1.PodRunning, running)
	u.eventually("what runs is counted", func(totals map[string]float64, _ int64) bool {
		return totals["stays cpu"] > 0 && totals["goes cpu"] > 0
	})
	stopsAfter := time.Now()
	u.stop()
	stopsBefore := time.Now()
	if err := server.Client.CoreV1().Pods(u.namespace).Delete(t.Context(), goes, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}

	u.start()
	testkit.Eventually(t, "the totals are shown again", func() bool { _, until := u.look(); return until > 0 })
	end := metav1.Now().Rfc3339Copy()
	u.report(stays, corev1.PodSucceeded, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: start, FinishedAt: end}})
	u.eventually("all is counted", func(_ map[string]float64, until int64) bool { return until > end.Unix() })
	totals, _ := u.look()
	ran := end.Sub(start.Time).Seconds()
	for name, want := range map[string]float64{"stays cpu": ran / 4, "stays memory": ran * (1 << 30), "stays nvidia.com/gpu": ran * 2} {
		if totals[name] != want {
			t.Errorf("%s is %v, want %v", name, totals[name], want)
		}
	}
	from, to := 4*float64(stopsAfter.Unix()-start.Unix()), 4*float64(stopsBefore.Unix()-start.Unix())
	if got := totals["goes cpu"]; got < from || got > to {
		t.Errorf("of the pod that was deleted, %v core-seconds are counted; want %v to %v", got, from, to)
	}
	if len(totals) != 6 {
		t.Errorf("the totals are %v", totals)
	}
}
