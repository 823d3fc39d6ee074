package virtualkubelet

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// compare compares a body with a recorded one.
func compare(t *testing.T, recording string, body any) {
	t.Helper()
	var recorded any
	testkit.ReadWire(t, recording+".request.json", &recorded)
	if diff := cmp.Diff(testkit.NormalizeRequest(t, recorded), testkit.NormalizeRequest(t, body)); diff != "" {
		t.Errorf("the body differs from the recorded one (-recorded +got):\n%s", diff)
	}
}

func initialPod(t *testing.T, recorded *corev1.Pod, options interlink.Options) *corev1.Pod {
	t.Helper()
	return interlink.WithInitialStatus(interlink.Admit(testkit.AppliedManifest(t, recorded), options), options)
}

// answeredPod returns the pod of a recorded status call after its recorded answer.
func answeredPod(t *testing.T, recording string) *corev1.Pod {
	t.Helper()
	var recorded []corev1.Pod
	var answer []wire.PodStatus
	testkit.ReadWire(t, recording+".request.json", &recorded)
	testkit.ReadWire(t, recording+".response.json", &answer)
	pod := initialPod(t, &recorded[0], interlink.Options{})
	if err := applyAnswer(pod, &answer[0]); err != nil {
		t.Fatal(err)
	}
	return interlink.WithJobID(pod, recorded[0].Annotations[wire.AnnotationJobID])
}

func TestRecordedAnswersGiveTheRecordedPhases(t *testing.T) {
	for name, want := range map[string]corev1.PodPhase{
		"19-status-first": corev1.PodPending, "20-status-running": corev1.PodRunning,
		"24-status-terminated-ok": corev1.PodSucceeded, "25-status-terminated-exit3": corev1.PodFailed,
		"26-status-terminated-oom": corev1.PodFailed, "27-status-imagepullbackoff": corev1.PodPending,
		"28-status-crashloop": corev1.PodPending, "30-status-init-running": corev1.PodPending,
		"31-status-init-sidecar": corev1.PodPending, "32-status-init-failed-stuck": corev1.PodPending,
		"34-status-no-containers": corev1.PodSucceeded, "36-status-crashes-vk-1": "",
		"37-status-crashes-vk-2": "", "38-status-crashes-vk-3": "",
	} {
		t.Run(name, func(t *testing.T) {
			var pods []corev1.Pod
			var answers []wire.PodStatus
			testkit.ReadWire(t, name+".request.json", &pods)
			testkit.ReadWire(t, name+".response.json", &answers)
			err := applyAnswer(&pods[0], &answers[0])
			if errors.As(err, new(*Panic)) != (want == "") || err == nil && pods[0].Status.Phase != want {
				t.Errorf("phase %s, error %v; InterLink's virtual kubelet showed %q (\"\" for a panic)", pods[0].Status.Phase, err, want)
			}
		})
	}
}

// Recording 20 was made after a restart of the virtual kubelet, which reads its pods
// from the local API server.
func TestStatusRequestAfterARestartIsAsRecorded(t *testing.T) {
	compare(t, "20-status-running", interlink.StatusRequest(asAPIServerReturns(answeredPod(t, "20-status-running")), ""))
}

func TestDeleteRequestIsAsRecorded(t *testing.T) {
	t.Run("40-delete-terminated", func(t *testing.T) {
		compare(t, "40-delete-terminated", interlink.DeleteRequest(answeredPod(t, "24-status-terminated-ok"), false, time.Now()))
	})
	t.Run("41-delete-never-created", func(t *testing.T) {
		var recorded corev1.Pod
		testkit.ReadWire(t, "41-delete-never-created.request.json", &recorded)
		pod := interlink.Admit(testkit.AppliedManifest(t, &recorded), interlink.Options{})
		pod.Status = refusedStatus(pod, &Refusal{Pod: pod.Name, Status: 500, Body: `{"detail":"boom <b> & \"q\""}`}, interlink.Options{})
		body := interlink.DeleteRequest(pod, false, time.Now())
		// InterLink's own components wrap the plugin's text in texts of their own; the
		// simulator has only the plugin's.
		text := `{&#34;detail&#34;:&#34;boom &lt;b&gt; &amp; \&#34;q\&#34;&#34;}`
		for _, message := range []string{recorded.Status.Message, body.Status.Message} {
			if !strings.Contains(message, text) {
				t.Errorf("message %q does not contain %q", message, text)
			}
		}
		body.Status.Message = recorded.Status.Message
		compare(t, "41-delete-never-created", body)
	})
	t.Run("39-delete-running", func(t *testing.T) {
		var recorded corev1.Pod
		testkit.ReadWire(t, "39-delete-running.request.json", &recorded)
		pod := initialPod(t, &recorded, interlink.Options{PodIP: recorded.Status.PodIP})
		running := []corev1.ContainerStatus{{Name: "web", Image: "nginx:1.27", State: corev1.ContainerState{
			Running: &corev1.ContainerStateRunning{},
		}}}
		if err := applyAnswer(pod, &wire.PodStatus{Containers: running}); err != nil {
			t.Fatal(err)
		}
		pod = interlink.WithJobID(pod, recorded.Annotations[wire.AnnotationJobID])
		compare(t, "39-delete-running", interlink.DeleteRequest(asAPIServerReturns(pod), true, time.Now()))
	})
}
