package virtualkubelet

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

var recordings = filepath.Join("..", "..", "..", "shared", "contract", "wire")

func needRecordings(t *testing.T) bool {
	t.Helper()
	if _, err := os.Stat(recordings); err != nil {
		t.Logf("no recordings: %v", err)
		return false
	}
	return true
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(recordings, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// manifest is the pod as its user applied it, by the annotation that kubectl
// leaves, with the UID and the annotations of the recorded one.
func manifest(t *testing.T, recorded *corev1.Pod) *corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	if err := json.Unmarshal([]byte(recorded.Annotations[corev1.LastAppliedConfigAnnotation]), &pod); err != nil {
		t.Fatal(err)
	}
	pod.UID = recorded.UID
	pod.Annotations = map[string]string{}
	for key, value := range recorded.Annotations {
		if key != wire.AnnotationJobID {
			pod.Annotations[key] = value
		}
	}
	return &pod
}

var accessVolume = regexp.MustCompile(`kube-api-access-[a-z0-9]{5}`)

// times and versions, by key; a null is not masked.
var masked = []string{
	"creationTimestamp", "startTime", "startedAt", "finishedAt", "deletionTimestamp", "resourceVersion",
}

// mask hides what differs from run to run.
func mask(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "managedFields")
		for key, value := range v {
			v[key] = mask(value)
			if _, ok := value.(string); ok && slices.Contains(masked, key) {
				v[key] = "masked"
			}
		}
	case []any:
		for i := range v {
			v[i] = mask(v[i])
		}
	case string:
		switch {
		case strings.HasPrefix(v, "eyJ"):
			return "a token"
		case strings.HasPrefix(v, "-----BEGIN CERTIFICATE"):
			return "a certificate"
		}
		return accessVolume.ReplaceAllString(v, "kube-api-access-xxxxx")
	}
	return v
}

// sortEnv undoes the random order of variables.
func sortEnv(v any) {
	switch v := v.(type) {
	case map[string]any:
		if env, ok := v["env"].([]any); ok {
			slices.SortFunc(env, func(a, b any) int {
				return strings.Compare(a.(map[string]any)["name"].(string), b.(map[string]any)["name"].(string))
			})
		}
		for _, value := range v {
			sortEnv(value)
		}
	case []any:
		for _, value := range v {
			sortEnv(value)
		}
	}
}

// tree is what a reader of the JSON sees, masked.
func tree(t *testing.T, body any) any {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	v = mask(v)
	sortEnv(v)
	return v
}

func recordedTree(t *testing.T, name string) any {
	t.Helper()
	var v any
	read(t, name, &v)
	return tree(t, v)
}

// recordedObjects are those that the recorded pods mounted, and those that pod
// 06 takes its variables from: they never went over the wire whole.
func recordedObjects(t *testing.T) Objects {
	t.Helper()
	var body wire.CreateRequest
	read(t, "05-create-volumes.request", &body)
	objects := Objects{
		ConfigMaps: []corev1.ConfigMap{{Data: map[string]string{"MODE": "batch", "LEVEL": "3", "not.an-env": "x"}}},
		Secrets:    []corev1.Secret{{StringData: map[string]string{"API_KEY": "dummy-api-key"}}},
	}
	objects.ConfigMaps[0].Name, objects.ConfigMaps[0].Namespace = "only-env", "demo"
	objects.Secrets[0].Name, objects.Secrets[0].Namespace = "only-env-secret", "demo"
	for _, c := range body.Containers {
		objects.ConfigMaps = append(objects.ConfigMaps, c.ConfigMaps...)
		objects.Secrets = append(objects.Secrets, c.Secrets...)
	}
	return AdmitObjects(objects, Options{})
}

var recordedOptions = Options{VirtualKubelet: scenario.VirtualKubelet{KubernetesAPI: "k8s-api.example.org:6443"}}

func TestCreateAgainstRecordings(t *testing.T) {
	if !needRecordings(t) {
		return
	}
	for _, name := range []string{
		"04-create-plain", "05-create-volumes", "06-create-env-resolved", "08-create-multi", "09-create-longname",
		"11-create-mesh", "12-create-mesh-user-preexec", "14-create-wstunnel", "18-create-tcp",
	} {
		t.Run(name, func(t *testing.T) {
			var recorded wire.CreateRequest
			read(t, name+".request", &recorded)
			options := recordedOptions
			options.PodIP = recorded.Pod.Status.PodIP // the shadow pod's, which is not played here
			body, err := CreateRequest(Admit(manifest(t, &recorded.Pod), options), recordedObjects(t), options)
			if err != nil {
				t.Fatal(err)
			}
			if recorded.Pod.Status.ContainerStatuses == nil {
				// The real one fills them in beside the create, which may be faster.
				body.Pod.Status.ContainerStatuses = nil
			}
			if diff := cmp.Diff(recordedTree(t, name+".request"), tree(t, body)); diff != "" {
				t.Errorf("not as recorded (-recorded +made):\n%s", diff)
			}
		})
	}
}

func TestStatusAgainstRecordings(t *testing.T) {
	if !needRecordings(t) {
		return
	}
	for _, name := range []string{
		"19-status-first", "24-status-terminated-ok", "25-status-terminated-exit3", "26-status-terminated-oom",
		"27-status-imagepullbackoff", "28-status-crashloop", "30-status-init-running", "31-status-init-sidecar",
		"32-status-init-failed-stuck", "34-status-no-containers", "35-status-unknown-pod",
		"36-status-crashes-vk-1", "37-status-crashes-vk-2", "38-status-crashes-vk-3",
	} {
		t.Run(name, func(t *testing.T) {
			var recorded []corev1.Pod
			read(t, name+".request", &recorded)
			pod := submitted(Admit(manifest(t, &recorded[0]), recordedOptions), recordedOptions)
			body := StatusRequest(pod, recorded[0].Annotations[wire.AnnotationJobID])
			if diff := cmp.Diff(recordedTree(t, name+".request"), tree(t, body)); diff != "" {
				t.Errorf("not as recorded (-recorded +made):\n%s", diff)
			}
		})
	}
}

// recordedPod is the pod of a recorded status call, after its recorded answer.
func recordedPod(t *testing.T, name string) *corev1.Pod {
	t.Helper()
	var recorded []corev1.Pod
	var answer []wire.PodStatus
	read(t, name+".request", &recorded)
	read(t, name+".response", &answer)
	pod := submitted(Admit(manifest(t, &recorded[0]), recordedOptions), recordedOptions)
	if err := report(pod, &answer[0]); err != nil {
		t.Fatal(err)
	}
	return withJobID(pod, recorded[0].Annotations[wire.AnnotationJobID])
}

// The pod of 20 was recorded after a restart of the virtual kubelet: it is as the
// local API server has it.
func TestStatusAfterRestartAgainstRecording(t *testing.T) {
	if !needRecordings(t) {
		return
	}
	body := StatusRequest(stored(recordedPod(t, "20-status-running")), "")
	if diff := cmp.Diff(recordedTree(t, "20-status-running.request"), tree(t, body)); diff != "" {
		t.Errorf("not as recorded (-recorded +made):\n%s", diff)
	}
}

func TestDeleteAgainstRecordings(t *testing.T) {
	if !needRecordings(t) {
		return
	}
	t.Run("40-delete-terminated", func(t *testing.T) {
		body := DeleteRequest(recordedPod(t, "24-status-terminated-ok"), false, time.Now())
		if diff := cmp.Diff(recordedTree(t, "40-delete-terminated.request"), tree(t, body)); diff != "" {
			t.Errorf("not as recorded (-recorded +made):\n%s", diff)
		}
	})
	t.Run("41-delete-never-created", func(t *testing.T) {
		var recorded corev1.Pod
		read(t, "41-delete-never-created.request", &recorded)
		pod := Admit(manifest(t, &recorded), recordedOptions)
		pod.Status = refused(pod, &Refusal{Pod: pod.Name, Status: 500, Body: `{"detail":"boom <b> & \"q\""}`}, recordedOptions)
		body := DeleteRequest(pod, false, time.Now())
		// Around the plugin's words stand those of InterLink's parts, with the
		// names of their functions: only the plugin's are played.
		words := `{&#34;detail&#34;:&#34;boom &lt;b&gt; &amp; \&#34;q\&#34;&#34;}`
		for _, message := range []string{recorded.Status.Message, body.Status.Message} {
			if !strings.Contains(message, words) {
				t.Errorf("message %q lacks %q", message, words)
			}
		}
		body.Status.Message = recorded.Status.Message
		if diff := cmp.Diff(recordedTree(t, "41-delete-never-created.request"), tree(t, body)); diff != "" {
			t.Errorf("not as recorded (-recorded +made):\n%s", diff)
		}
	})
	t.Run("39-delete-running", func(t *testing.T) {
		var recorded corev1.Pod
		read(t, "39-delete-running.request", &recorded)
		options := recordedOptions
		options.PodIP = recorded.Status.PodIP
		pod := submitted(Admit(manifest(t, &recorded), options), options)
		running := []corev1.ContainerStatus{{Name: "web", Image: "nginx:1.27", State: corev1.ContainerState{
			Running: &corev1.ContainerStateRunning{},
		}}}
		if err := report(pod, &wire.PodStatus{Containers: running}); err != nil {
			t.Fatal(err)
		}
		pod = withJobID(pod, recorded.Annotations[wire.AnnotationJobID])
		body := DeleteRequest(stored(pod), true, time.Now())
		if diff := cmp.Diff(recordedTree(t, "39-delete-running.request"), tree(t, body)); diff != "" {
			t.Errorf("not as recorded (-recorded +made):\n%s", diff)
		}
	})
}

func TestLogsAndPingAgainstRecordings(t *testing.T) {
	if !needRecordings(t) {
		return
	}
	for name, opts := range map[string]wire.LogOpts{
		"43-logs-all":                      {},
		"44-logs-tail-timestamps-previous": {Tail: 5, Timestamps: true, Previous: true},
		"45-logs-since-bytes":              {SinceSeconds: 60, Bytes: 100},
		"47-logs-follow":                   {Tail: 10, Follow: true},
		"49-logs-init-container":           {},
	} {
		t.Run(name, func(t *testing.T) {
			var recorded wire.LogRequest
			read(t, name+".request", &recorded)
			var pod corev1.Pod
			pod.Name, pod.Namespace, pod.UID = recorded.PodName, "demo", "uid"
			body := LogRequest(&pod, recorded.ContainerName, opts)
			body.PodUID = recorded.PodUID
			if diff := cmp.Diff(recordedTree(t, name+".request"), tree(t, body)); diff != "" {
				t.Errorf("not as recorded (-recorded +made):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff(recordedTree(t, "01-ping.request"), tree(t, PingRequest())); diff != "" {
		t.Errorf("not as recorded (-recorded +made):\n%s", diff)
	}
}
