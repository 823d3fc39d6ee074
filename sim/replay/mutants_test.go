package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// call is one of InterLink's on its way to the plugin.
type call struct {
	path    string
	body    []byte
	forward func(body []byte) (int, []byte)
	remote  kubernetes.Interface // as the plugin sees it
	memory  *sync.Map            // of the mutant, over all calls
}

func (c *call) on() (int, []byte) { return c.forward(c.body) }

// mutant is a plugin with one fault, the scenario that finds it, and words of the
// first difference.
type mutant struct {
	name     string
	scenario string
	words    string
	answer   func(*call) (int, []byte)
}

// on mutates the calls to one path.
func on(path string, answer func(*call) (int, []byte)) func(*call) (int, []byte) {
	return func(c *call) (int, []byte) {
		if c.path != path {
			return c.on()
		}
		return answer(c)
	}
}

// statuses mutates what is said of a pod.
func statuses(mutate func(*wire.PodStatus)) func(*call) (int, []byte) {
	return on("/status", func(c *call) (int, []byte) {
		code, text := c.on()
		var all []wire.PodStatus
		if json.Unmarshal(text, &all) != nil {
			return code, text
		}
		for i := range all {
			mutate(&all[i])
		}
		text, _ = json.Marshal(all)
		return code, text
	})
}

// each mutates what is said of each container.
func each(mutate func(*corev1.ContainerStatus)) func(*call) (int, []byte) {
	return statuses(func(s *wire.PodStatus) {
		for _, list := range [][]corev1.ContainerStatus{s.InitContainers, s.Containers} {
			for i := range list {
				mutate(&list[i])
			}
		}
	})
}

// creates mutates the pod, and what it comes with, before the plugin sees it.
func creates(mutate func(pod, request map[string]any)) func(*call) (int, []byte) {
	return on("/create", func(c *call) (int, []byte) {
		var request map[string]any
		if err := json.Unmarshal(c.body, &request); err != nil {
			return http.StatusBadRequest, []byte(err.Error())
		}
		mutate(request["pod"].(map[string]any), request)
		body, _ := json.Marshal(request)
		return c.forward(body)
	})
}

func containers(pod map[string]any, mutate func(map[string]any)) {
	for _, list := range []string{"containers", "initContainers"} {
		items, _ := pod["spec"].(map[string]any)[list].([]any)
		for _, item := range items {
			mutate(item.(map[string]any))
		}
	}
}

// logs mutates the request for a log.
func logs(mutate func(request, opts map[string]any)) func(*call) (int, []byte) {
	return on("/getLogs", func(c *call) (int, []byte) {
		var request map[string]any
		_ = json.Unmarshal(c.body, &request)
		mutate(request, request["Opts"].(map[string]any))
		body, _ := json.Marshal(request)
		return c.forward(body)
	})
}

func created(c *call) (uid string, first bool) {
	var request struct{ Pod corev1.Pod }
	_ = json.Unmarshal(c.body, &request)
	_, again := c.memory.LoadOrStore(request.Pod.UID, true)
	return string(request.Pod.UID), !again
}

func says(code int, text string) func(*call) (int, []byte) {
	return func(*call) (int, []byte) { return code, []byte(text) }
}

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
	{"loses the run before", "restart-on-failure", "run before", each(func(c *corev1.ContainerStatus) { c.LastTerminationState = corev1.ContainerState{} })},
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
	{"makes the pod anew at a second create", "create-twice", "phases", on("/create", func(c *call) (int, []byte) {
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
	{"refuses without a word", "claim-missing", "without the words", on("/create", says(500, ""))},
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
		left := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "left", Labels: map[string]string{scope.LabelPodUID: string(pod.UID)}}}
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

// front puts a mutant between InterLink and the plugin at an address.
func (m mutant) front(remote *kubernetes.Interface) func(string) (string, func()) {
	return func(address string) (string, func()) {
		socket := strings.TrimPrefix(address, "unix://")
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}}}
		var memory sync.Map
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			c := &call{path: r.URL.Path, body: body, remote: *remote, memory: &memory}
			c.forward = func(body []byte) (int, []byte) {
				request, _ := http.NewRequestWithContext(r.Context(), r.Method, "http://plugin"+r.URL.Path, bytes.NewReader(body))
				response, err := client.Do(request)
				if err != nil {
					return http.StatusBadGateway, []byte(err.Error())
				}
				defer func() { _ = response.Body.Close() }()
				text, _ := io.ReadAll(response.Body)
				return response.StatusCode, text
			}
			code, text := m.answer(c)
			w.WriteHeader(code)
			_, _ = w.Write(text)
		}))
		return "http://" + server.Listener.Addr().String(), func() { server.Close(); client.CloseIdleConnections() }
	}
}

func (m mutant) play(t *testing.T) report.Scenario {
	t.Helper()
	var remote kubernetes.Interface
	result, err := Run(t.Context(), all(t, m.scenario), Options{
		Timeout: 2 * time.Minute,
		wrap:    func(c kubernetes.Interface) kubernetes.Interface { remote = c; return c },
		between: m.front(&remote),
	})
	if err != nil {
		t.Fatal(err)
	}
	return result.Scenarios[0]
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
