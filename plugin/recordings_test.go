package plugin_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

var update = flag.Bool("update", false, "rewrite fixtures/objects")

// recordings is where the recorded requests of a real InterLink are, beside a
// checkout of those who develop the plugin; others run the project's own.
const recordings = "../../shared/contract/wire"

// forReading are recordings that carry InterLink's own mesh script: they are
// read by people and belong into no fixture.
var forReading = []string{"11-create-mesh", "12-create-mesh-user-preexec", "39-delete-running"}

// TestRequestsOfTheProject runs what stands above the dashes of the goldens in
// fixtures/translate through the whole plugin, on a real API server.
func TestRequestsOfTheProject(t *testing.T) {
	files, err := filepath.Glob("../fixtures/translate/*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text, below, _ := strings.Cut(string(content), "\n----------\n")
		if strings.Contains("\n"+text, "\noptions:") || strings.HasPrefix(below, "error:") {
			continue // is about another configuration, or a refusal: plugin/translate has it
		}
		name := strings.TrimSuffix(filepath.Base(file), ".golden")
		t.Run(name, func(t *testing.T) {
			request, err := yaml.YAMLToJSON([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			wholeLife(t, "own-"+name, request)
		})
	}
}

// TestRecordedCreates runs each recorded create through a pod's whole life.
func TestRecordedCreates(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recordings, "*-create-*.request.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Logf("no recordings in %s: only the project's own requests are run", recordings)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".request.json")
		t.Run(name, func(t *testing.T) {
			request, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(forReading, name) {
				name = ""
			}
			wholeLife(t, name, request)
		})
	}
}

// wholeLife creates a pod, compares the objects on the API server to a golden, if
// one is named,
// creates it again, asks for its status, deletes it, and looks for what is left.
func wholeLife(t *testing.T, name string, body []byte) {
	h := start(t)
	var request wire.CreateRequest
	h.must(json.Unmarshal(body, &request))
	pod := request.Pod
	h.siteClaims(request)

	first := h.create(body)
	if remote := h.remotePod(pod); first.PodUID != string(pod.UID) || first.PodJID != string(remote.UID) {
		t.Errorf("create answered %+v, the remote pod is %s", first, remote.UID)
	}
	if name != "" {
		h.compareObjects(name, pod)
	}
	if second := h.create(body); second != first {
		t.Errorf("create answered %+v, then %+v", first, second)
	}

	answer := h.status(pod, first.PodJID)
	if answer.JID != first.PodJID {
		t.Errorf("status tells JID %q, create told %q", answer.JID, first.PodJID)
	}
	for i, container := range answer.Containers {
		if container.Name != pod.Spec.Containers[i].Name || container.State.Waiting == nil {
			t.Errorf("container %d of a pod that nobody runs: %+v", i, container)
		}
	}
	if len(answer.Containers) != len(pod.Spec.Containers) {
		t.Errorf("%d of %d containers", len(answer.Containers), len(pod.Spec.Containers))
	}

	h.delete(withJobID(pod, first.PodJID))
	if left := h.objects(string(pod.UID)); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
}

// siteClaims makes the claims that a site would have made beforehand: those that
// the pod neither brings nor describes.
func (h *harness) siteClaims(request wire.CreateRequest) {
	h.t.Helper()
	pod := request.Pod
	for _, name := range translate.ClaimNames(&pod) {
		if pod.Annotations[wire.AnnotationRemotePVC+"."+name] != "" || brings(request, name) {
			continue
		}
		namespace := h.namespace(pod.Namespace)
		_, err := h.admin.CoreV1().Namespaces().Create(h.t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
		h.must(err)
		_, err = h.admin.CoreV1().PersistentVolumeClaims(namespace).Create(h.t.Context(), &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			},
		}, metav1.CreateOptions{})
		h.must(err)
	}
}

func brings(request wire.CreateRequest, claim string) bool {
	return slices.ContainsFunc(request.Containers, func(c wire.ContainerVolumes) bool {
		return slices.ContainsFunc(c.PersistentVolumeClaims, func(p corev1.PersistentVolumeClaim) bool { return p.Name == claim })
	})
}

// compareObjects compares what stands on the API server for a pod to a golden.
func (h *harness) compareObjects(name string, pod corev1.Pod) {
	h.t.Helper()
	file := filepath.Join("..", "fixtures", "objects", name+".yaml")
	got := strings.ReplaceAll(h.objects(string(pod.UID)), h.prefix, "offloading")
	if *update {
		h.must(os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	h.must(err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		h.t.Errorf("objects on the API server (-want +got)\n%s", diff)
	}
}

// objects lists, as documents of a manifest, what carries a local pod's UID, in
// any namespace.
func (h *harness) objects(uid string) string {
	h.t.Helper()
	ctx, byUID, core := context.Background(), metav1.ListOptions{LabelSelector: wire.LabelPodUID + "=" + uid}, h.admin.CoreV1()
	var out strings.Builder
	document := func(kind string, object metav1.Object) {
		for _, clear := range []func(){
			func() { object.SetUID("") }, func() { object.SetResourceVersion("") }, func() { object.SetGeneration(0) },
			func() { object.SetCreationTimestamp(metav1.Time{}) }, func() { object.SetManagedFields(nil) },
			func() { delete(object.GetLabels(), wire.LabelAttempt) },
		} {
			clear()
		}
		text, err := yaml.Marshal(object)
		h.must(err)
		fmt.Fprintf(&out, "--- # %s\n%s", kind, text)
	}
	configMaps, err := core.ConfigMaps("").List(ctx, byUID)
	h.must(err)
	for i := range configMaps.Items {
		document("ConfigMap", &configMaps.Items[i])
	}
	secrets, err := core.Secrets("").List(ctx, byUID)
	h.must(err)
	for i := range secrets.Items {
		for key := range secrets.Items[i].Data {
			if strings.HasSuffix(key, ".sh") { // of the pod's network: plugin/mesh tests what is in them
				secrets.Items[i].Data[key] = nil
			}
		}
		document("Secret", &secrets.Items[i])
	}
	services, err := core.Services("").List(ctx, byUID)
	h.must(err)
	for i := range services.Items {
		document("Service", &services.Items[i])
	}
	pods, err := core.Pods("").List(ctx, byUID)
	h.must(err)
	for i := range pods.Items {
		pods.Items[i].Status = corev1.PodStatus{}
		document("Pod", &pods.Items[i])
	}
	return out.String()
}

// TestRecordedCalls sends every other recorded request: pings, status of pods in
// all states, deletes, logs. None is about a pod that is there, and each must get
// the answer that keeps the virtual kubelet honest.
func TestRecordedCalls(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recordings, "*.request.meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	h := start(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".request.meta.json")
		if strings.Contains(name, "-create-") || slices.Contains(forReading, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			h := *h
			h.t = t
			var meta struct{ Method, RequestURI string }
			text, err := os.ReadFile(file)
			h.must(err)
			h.must(json.Unmarshal(text, &meta))
			body, err := os.ReadFile(strings.TrimSuffix(file, "meta.json") + "json")
			h.must(err)
			code, answer := h.call(meta.Method, meta.RequestURI, body)
			switch meta.RequestURI {
			case "/status":
				h.vanished(body, code, answer)
			case "/delete":
				if code != http.StatusOK {
					t.Errorf("answered %d %s", code, answer)
				}
			case "/getLogs":
				if code != http.StatusNotFound || !strings.Contains(string(answer), `"detail"`) {
					t.Errorf("answered %d %s", code, answer)
				}
			default:
				t.Errorf("nobody judges %s", meta.RequestURI)
			}
		})
	}
}

// vanished checks the answer about pods that had a job ID and are nowhere: every
// container terminated, none missing. A ping is answered by an empty list.
func (h *harness) vanished(request []byte, code int, answer []byte) {
	h.t.Helper()
	var pods []corev1.Pod
	var states []wire.PodStatus
	h.must(json.Unmarshal(request, &pods))
	if code != http.StatusOK {
		h.t.Fatalf("answered %d %s", code, answer)
	}
	h.must(json.Unmarshal(answer, &states))
	if len(states) != len(pods) {
		h.t.Fatalf("%d answers about %d pods: %s", len(states), len(pods), answer)
	}
	for i, pod := range pods {
		if len(states[i].Containers) != len(pod.Spec.Containers) {
			h.t.Errorf("%d of %d containers", len(states[i].Containers), len(pod.Spec.Containers))
		}
		for _, c := range states[i].Containers {
			if c.State.Terminated == nil || c.State.Terminated.ExitCode != 137 || c.State.Terminated.Reason != "RemotePodNotFound" {
				h.t.Errorf("container %s is %+v", c.Name, c.State)
			}
		}
	}
}
