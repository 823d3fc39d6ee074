package play

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

var background = context.Background()

var mutants = []mutant{
	// status
	{"answers containers: []", "plain-pod", "phases", statuses(func(s *wire.PodStatus) { s.Containers = []corev1.ContainerStatus{} })},
	{"drops a container", "two-containers-one-fails", "phases", statuses(func(s *wire.PodStatus) { s.Containers = s.Containers[:1] })},
	{"reports an injected container", "plain-pod", "panic", statuses(func(s *wire.PodStatus) {
		s.Containers = slices.Insert(s.Containers, 0, corev1.ContainerStatus{Name: "mesh-setup", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 0}}})
	})},
	{"says containers: [] of a pod that vanished", "deleted-behind-the-back", "phases", statuses(func(s *wire.PodStatus) {
		if len(s.Containers) > 0 && s.Containers[0].State.Terminated != nil {
			s.Containers = []corev1.ContainerStatus{}
		}
	})},
	{"loses exit codes", "exit-three", "phases", each(func(c *corev1.ContainerStatus) {
		if c.State.Terminated != nil {
			c.State.Terminated.ExitCode = 0
		}
	})},
	{"loses restart counts", "restart-on-failure", "restart count", each(func(c *corev1.ContainerStatus) { c.RestartCount = 0 })},
	{"loses the run before", "restart-on-failure", "previous run", each(func(c *corev1.ContainerStatus) { c.LastTerminationState = corev1.ContainerState{} })},
	{"ends what will be restarted", "restart-always", "phases", each(func(c *corev1.ContainerStatus) {
		if c.LastTerminationState.Terminated != nil {
			c.State = c.LastTerminationState
		}
	})},
	{"calls running what waits", "image-pull-error", "phases", each(func(c *corev1.ContainerStatus) {
		if c.State.Waiting != nil {
			c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		}
	})},
	{"loses why a container waits", "image-pull-error", "reason", each(func(c *corev1.ContainerStatus) {
		if c.State.Waiting != nil {
			c.State.Waiting = &corev1.ContainerStateWaiting{}
		}
	})},
	{"loses why a pod was evicted", "eviction", "message", each(func(c *corev1.ContainerStatus) {
		if c.State.Terminated != nil {
			c.State.Terminated.Message = ""
		}
	})},
	{"does not report init containers", "init-containers-in-order", "init container", statuses(func(s *wire.PodStatus) { s.InitContainers = nil })},
	{"says no name", "plain-pod", "frozen", statuses(func(s *wire.PodStatus) { s.Name = "" })},
	{"says another UID", "plain-pod", "leaves it out", statuses(func(s *wire.PodStatus) { s.UID = "u" })},
	{"answers one object", "plain-pod", "frozen", on("/status", says(200, `{}`))},
	{"answers nothing about any pod", "plain-pod", "leaves it out", on("/status", says(200, `[]`))},
	{"answers every status with an error", "plain-pod", "500", on("/status", says(500, "oops"))},
	// create
	{"answers 201", "plain-pod", "201", on("/create", func(c *call) (int, []byte) {
		_, text := c.on()
		return 201, text
	})},
	{"answers a list", "plain-pod", "not one JSON object", on("/create", func(c *call) (int, []byte) {
		code, text := c.on()
		return code, slices.Concat([]byte("["), text, []byte("]"))
	})},
	{"answers another pod's UID", "plain-pod", "PodUID", on("/create", func(c *call) (int, []byte) {
		code, text := c.on()
		return code, bytes.Replace(text, []byte(`"PodUID":"`), []byte(`"PodUID":"x`), 1)
	})},
	{"refuses a second create", "create-twice", "409", on("/create", func(c *call) (int, []byte) {
		if _, first := created(c); !first {
			return 409, []byte("already exists")
		}
		return c.on()
	})},
	{"replaces the pod at a second create", "create-twice", "was replaced", on("/create", func(c *call) (int, []byte) {
		if uid, first := created(c); !first {
			pods, _ := c.remote.CoreV1().Pods("").List(background, metav1.ListOptions{LabelSelector: scope.PodSelector(uid)})
			for _, pod := range pods.Items {
				zero := int64(0)
				_ = c.remote.CoreV1().Pods(pod.Namespace).Delete(background, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &zero})
			}
		}
		return c.on()
	})},
	{"makes two remote pods", "plain-pod", "2 Pods", on("/create", func(c *call) (int, []byte) {
		code, text := c.on()
		uid, _ := created(c)
		pods, _ := c.remote.CoreV1().Pods("").List(background, metav1.ListOptions{LabelSelector: scope.PodSelector(uid)})
		for _, pod := range pods.Items {
			pod.ObjectMeta = metav1.ObjectMeta{Name: "second", Namespace: pod.Namespace, Labels: pod.Labels}
			_, _ = c.remote.CoreV1().Pods(pod.Namespace).Create(background, &pod, metav1.CreateOptions{})
		}
		return code, text
	})},
	{"cuts long names", "name-long-shared-prefix", "409", on("/create", func(c *call) (int, []byte) {
		var request struct{ Pod corev1.Pod }
		_ = json.Unmarshal(c.body, &request)
		if _, taken := c.memory.LoadOrStore(request.Pod.Name[:min(63, len(request.Pod.Name))], true); taken {
			return 409, []byte("already exists")
		}
		return c.on()
	})},
	{"takes what it should refuse", "volume-hostpath-refused", "not refused", on("/create", func(c *call) (int, []byte) {
		uid, _ := created(c)
		return 200, []byte(`{"PodUID":"` + uid + `","PodJID":"j"}`)
	})},
	{"refuses without a word", "claim-missing", "does not contain", on("/create", says(500, ""))},
	{"loses a Secret", "volume-secret", "Secret", on("/create", func(c *call) (int, []byte) {
		code, text := c.on()
		secrets, _ := c.remote.CoreV1().Secrets("").List(background, everything)
		for _, s := range secrets.Items {
			_ = c.remote.CoreV1().Secrets(s.Namespace).Delete(background, s.Name, metav1.DeleteOptions{})
		}
		return code, text
	})},
	{"loses what volumes hold", "volume-configmap", "ConfigMap", creates(func(_, request map[string]any) { request["container"] = []any{} })},
	{"loses variables", "env-resolved", "variable", creates(func(pod, _ map[string]any) {
		containers(pod, func(c map[string]any) { delete(c, "env") })
	})},
	{"loses init containers", "init-fails", "", creates(func(pod, _ map[string]any) { delete(pod["spec"].(map[string]any), "initContainers") })},
	{"loses security contexts", "probes-and-security", "securityContext", creates(func(pod, _ map[string]any) {
		containers(pod, func(c map[string]any) { delete(c, "securityContext") })
	})},
	{"loses the restart policy", "restart-always", "", creates(func(pod, _ map[string]any) { pod["spec"].(map[string]any)["restartPolicy"] = "Never" })},
	{"loses a deadline", "deadline", "phases", creates(func(pod, _ map[string]any) { delete(pod["spec"].(map[string]any), "activeDeadlineSeconds") })},
	// meshes and tunnels
	{"reports the mesh", "mesh-sidecar", "shows a container mesh-setup, which it does not have", statuses(func(s *wire.PodStatus) {
		s.Containers = append(s.Containers, corev1.ContainerStatus{Name: "mesh-setup", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}})
	})},
	{"shows the mesh as an init container", "mesh-sidecar", "shows an init container mesh-setup", statuses(func(s *wire.PodStatus) {
		s.InitContainers = slices.Insert(s.InitContainers, 0, corev1.ContainerStatus{Name: "mesh-setup", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}})
	})},
	{"runs without the mesh", "mesh-sidecar", "mesh-setup", creates(func(pod, _ map[string]any) { annotate(pod, "slurm-job.vk.io/pre-exec", "") })},
	{"sets a mesh up that is not wanted", "mesh-disabled", "Secret", creates(func(pod, _ map[string]any) { annotate(pod, "interlink.eu/mesh-network", "") })},
	{"runs half a mesh", "mesh-not-understood", "not refused", creates(func(pod, _ map[string]any) { annotate(pod, "slurm-job.vk.io/pre-exec", "") })},
	{"runs a pod whose mesh does not come up", "mesh-fails", "phases", creates(func(pod, _ map[string]any) { annotate(pod, "slurm-job.vk.io/pre-exec", "") })},
	{"loses why a mesh did not come up", "mesh-fails", "message", each(func(c *corev1.ContainerStatus) {
		if c.State.Terminated != nil {
			c.State.Terminated.Message = "the mesh failed"
		}
	})},
	{"never ends a pod that only its mesh keeps", "mesh-ordinary-container", "phases", each(func(c *corev1.ContainerStatus) {
		if c.State.Terminated != nil {
			c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		}
	})},
	{"opens no tunnels", "tcp-tunnel-two-ports", "has 0 Services", creates(func(pod, _ map[string]any) {
		containers(pod, func(c map[string]any) { delete(c, "ports") })
	})},
	{"opens tunnels that nobody asked for", "tcp-tunnel-no-ports", "has 1 Services", creates(func(pod, _ map[string]any) {
		containers(pod, func(c map[string]any) { c["ports"] = []any{map[string]any{"containerPort": 80}} })
	})},
	{"leaves a Service behind", "tcp-tunnel-two-ports", "1 Services after all pods are deleted", before("/delete", func(c *call, uid string) {
		left := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: "left", Labels: map[string]string{wire.LabelPodUID: uid}},
			Spec:       corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone},
		}
		_, _ = c.remote.CoreV1().Services("default").Create(background, left, metav1.CreateOptions{})
	})},
	{"leaves a tunnel behind", "tcp-tunnel-delete-running", "1 Releases after all pods are deleted, expected 0: [default/left]", before("/delete", func(c *call, uid string) {
		// Under a label by which the plugin does not know it.
		left := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "sh.helm.release.v1.left.v1", Labels: map[string]string{
			wire.LabelTunnelUID: "another", "owner": "helm", "name": "left", "of": uid,
		}}}
		_, _ = c.remote.CoreV1().Secrets("default").Create(background, left, metav1.CreateOptions{})
	})},
	// logs
	{"ignores Bytes", "logs-limits", "9 bytes", logs(func(_, opts map[string]any) { delete(opts, "Bytes") })},
	{"ignores Tail", "logs-limits", "tail 2", logs(func(_, opts map[string]any) { delete(opts, "Tail") })},
	{"ignores Previous", "logs-previous", "previous", logs(func(_, opts map[string]any) { delete(opts, "Previous") })},
	{"ignores Timestamps", "logs-timestamps", "timestamps", logs(func(_, opts map[string]any) { delete(opts, "Timestamps") })},
	{"always answers with the first container's log", "logs-of-each-container", "log", logs(func(request, _ map[string]any) { delete(request, "ContainerName") })},
	// delete
	{"does not delete", "delete-running", "after all pods are deleted", on("/delete", says(200, ""))},
	{"answers a delete with an error", "delete-running", "answered 500", on("/delete", func(c *call) (int, []byte) {
		_, text := c.on()
		return 500, text
	})},
	{"leaves a ConfigMap behind", "volume-configmap", "ConfigMaps after all pods are deleted", on("/delete", func(c *call) (int, []byte) {
		var pod corev1.Pod
		_ = json.Unmarshal(c.body, &pod)
		code, text := c.on()
		left := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "left", Labels: map[string]string{wire.LabelPodUID: string(pod.UID)}}}
		_, _ = c.remote.CoreV1().ConfigMaps("default").Create(background, left, metav1.CreateOptions{})
		return code, text
	})},
	{"deletes a claim that is to stay", "claim-retained", "PersistentVolumeClaims after all", on("/delete", func(c *call) (int, []byte) {
		code, text := c.on()
		claims, _ := c.remote.CoreV1().PersistentVolumeClaims("").List(background, everything)
		for _, claim := range claims.Items {
			_ = c.remote.CoreV1().PersistentVolumeClaims(claim.Namespace).Delete(background, claim.Name, metav1.DeleteOptions{})
		}
		return code, text
	})},
}

// Conformance has teeth: each faulty plugin is caught by its scenario, in the words
// that name the fault; the same plugin without the fault passes.
func TestMutants(t *testing.T) {
	if len(mutants) < 20 {
		t.Errorf("there are %d mutants", len(mutants))
	}
	sound := map[string]bool{}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			played := m.play(t)
			if played.Verdict != report.Failed || !strings.Contains(strings.Join(played.Differences, "\n"), m.words) {
				t.Errorf("%s %s, want words of %q: %q", m.scenario, played.Verdict, m.words, played.Differences)
			}
		})
		sound[m.scenario] = true
	}
	for name := range sound {
		t.Run("sound "+name, func(t *testing.T) {
			t.Parallel()
			m := mutant{name: "none", scenario: name, answer: (*call).on}
			if played := m.play(t); played.Verdict != report.Passed {
				t.Errorf("%q", played.Differences)
			}
		})
	}
}
