package play

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// A plugin that does not say that the GPUs are gone leaves them on the virtual node.
func TestVirtualNodeKeepsGPUs(t *testing.T) {
	forgets := mutant{answer: on("/status", func(c *call) (int, []byte) {
		code, text := c.forward()
		var ping wire.PingResponse
		if json.Unmarshal(text, &ping) != nil || ping.Resources == nil {
			return code, text
		}
		ping.Resources.Accelerators = slices.DeleteFunc(ping.Resources.Accelerators, func(a wire.PingAccelerator) bool { return a.Available == "0" })
		text, _ = json.Marshal(ping)
		return code, text
	})}
	result, err := Run(t.Context(), scenarios(t, "capacity-gpu-removed"), Options{intercept: forgets.serve, nodeWait: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	played := result.Scenarios[0]
	const want = "the virtual node shows 4 example.com/gpu, expected 0"
	if played.Verdict != report.Failed || !slices.ContainsFunc(played.Differences, func(d report.Difference) bool {
		return d.Rule == "PING-12" && strings.Contains(d.Text, want)
	}) {
		t.Errorf("%s: %q", played.Verdict, played.Texts())
	}
}

// The timeline says what the virtual node shows, before and after the change.
func TestVirtualNodeInTimeline(t *testing.T) {
	result, err := Run(t.Context(), scenarios(t, "capacity-gpu-removed"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, step := range result.Scenarios[0].Steps {
		if strings.Contains(step.Text, "node") {
			shown = append(shown, step.Text)
		}
	}
	want := []string{
		"the virtual node shows cpu 8, example.com/gpu 4, memory 16Gi, pods 50",
		"the remote node has cpu 8, memory 16Gi, pods 50",
		"the virtual node shows cpu 8, example.com/gpu 0, memory 16Gi, pods 50",
	}
	if !slices.Equal(shown, want) {
		t.Errorf("%q", shown)
	}
}

// A plugin that forgets what others use is found: with nodes and with a quota.
func TestVirtualNodeOffersWhatOthersUse(t *testing.T) {
	ignores := mutant{answer: on("/status", func(c *call) (int, []byte) {
		code, text := c.forward()
		var ping wire.PingResponse
		if json.Unmarshal(text, &ping) != nil || ping.Resources == nil {
			return code, text
		}
		for i := range ping.Resources.Accelerators {
			ping.Resources.Accelerators[i].Available = "4"
		}
		text, _ = json.Marshal(ping)
		return code, text
	})}
	result, err := Run(t.Context(), scenarios(t, "capacity-other-pods", "capacity-quota"), Options{intercept: ignores.serve, nodeWait: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"the virtual node shows 4 example.com/gpu, expected 1", "the virtual node shows 4 example.com/gpu, expected 2"} {
		played := result.Scenarios[i]
		if played.Verdict != report.Failed || !slices.ContainsFunc(played.Differences, func(d report.Difference) bool {
			return d.Rule == "PING-11" && strings.Contains(d.Text, want)
		}) {
			t.Errorf("%s: %s: %q", played.Name, played.Verdict, played.Texts())
		}
	}
}

// What a quota permits does not depend on the pods of plugins that other scenarios run in the same cluster.
func TestVirtualNodeBesideOthers(t *testing.T) {
	client := fakecluster.New(fakecluster.Options{}).Client()
	other := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "other", Namespace: metav1.NamespaceDefault, Labels: map[string]string{
			wire.LabelOffloading: wire.Offloading, wire.LabelInstance: config.Defaults().App.Instance,
		}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox:1.37"}}},
	}
	if _, err := client.CoreV1().Pods(other.Namespace).Create(t.Context(), other, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	result, err := Run(t.Context(), scenarios(t, "capacity-quota"), Options{Client: client, PlayNodes: true, nodeWait: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if played := result.Scenarios[0]; played.Verdict != report.Passed {
		t.Errorf("%s: %q", played.Verdict, played.Texts())
	}
}
