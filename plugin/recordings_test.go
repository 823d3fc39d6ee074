package plugin_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// TestOwnCreates creates, reports and deletes the pods of the requests in
// fixtures/translate.
func TestOwnCreates(t *testing.T) {
	files, err := filepath.Glob("../fixtures/translate/*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("fixtures/translate has no goldens: %v", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text, result, _ := strings.Cut(string(content), "\n----------\n")
		if strings.Contains("\n"+text, "\noptions:") || strings.HasPrefix(result, "error:") {
			continue // another configuration, or a request that is refused: plugin/translate tests it
		}
		name := strings.TrimSuffix(filepath.Base(file), ".golden")
		t.Run(name, func(t *testing.T) {
			request, err := yaml.YAMLToJSON([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(text, "fileKeyRef") && apiserver.ForTest(t).Minor(t) < 35 {
				expectUnknownSource(t, request)
				return
			}
			testPod(t, "own-"+name, request)
		})
	}
}

// expectUnknownSource sends a create whose pod has a variable from a file: an API server that does not know this
// source refuses the pod, instead of running it without the variable.
func expectUnknownSource(t *testing.T, request []byte) {
	t.Helper()
	h := start(t, func(s *settings) { s.config.Mesh.Enabled = true })
	code, text := h.call(http.MethodPost, "/create", request)
	if code != http.StatusUnprocessableEntity || !strings.Contains(string(text), "valueFrom") {
		t.Errorf("create answers %d %s", code, text)
	}
	var r wire.CreateRequest
	h.must(json.Unmarshal(request, &r))
	h.expectNone(r.Pod)
}

// TestRecordedCreates creates, reports and deletes the pod of each recorded create.
func TestRecordedCreates(t *testing.T) {
	for _, recording := range testkit.Recordings(t) {
		if strings.Contains(recording.Name, "-create-") {
			t.Run(recording.Name, func(t *testing.T) { testPod(t, recording.Name, recording.Body) })
		}
	}
}

// testPod creates a pod and compares its objects on the API server with a golden. It then
// creates the pod again, asks for its status, deletes it, and checks that no object
// remains.
func testPod(t *testing.T, golden string, body []byte) {
	h := start(t, func(s *settings) { s.config.Mesh.Enabled = true })
	var request wire.CreateRequest
	h.must(json.Unmarshal(body, &request))
	pod := request.Pod
	h.createSiteClaims(request)

	first := h.create(body)
	if remote := h.remotePod(pod); first.PodUID != string(pod.UID) || first.PodJID != remote.Name {
		t.Errorf("create returns %+v, the remote pod is %s", first, remote.Name)
	}
	h.compareObjects(golden, pod)
	if second := h.create(body); second != first {
		t.Errorf("the first create returns %+v, the second %+v", first, second)
	}

	answer := h.status(pod, first.PodJID)
	if answer.JID != first.PodJID {
		t.Errorf("the job ID of the status is %q, that of the create %q", answer.JID, first.PodJID)
	}
	for i, container := range answer.Containers {
		if container.Name != pod.Spec.Containers[i].Name || container.State.Waiting == nil {
			t.Errorf("container %d of a pod that no kubelet runs has the status %+v", i, container)
		}
	}
	if len(answer.Containers) != len(pod.Spec.Containers) {
		t.Errorf("the status has %d of %d containers", len(answer.Containers), len(pod.Spec.Containers))
	}

	h.delete(withJobID(pod, first.PodJID))
	h.expectNone(pod)
}

// createSiteClaims creates the claims that belong to the site: those that the request has
// neither as an object nor as a template.
func (h *harness) createSiteClaims(request wire.CreateRequest) {
	h.t.Helper()
	pod := request.Pod
	for _, name := range translate.ClaimNames(&pod, nil) {
		if pod.Annotations[wire.AnnotationRemotePVC+"."+name] != "" || hasClaim(request, name) {
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

// hasClaim reports whether a request has a claim as an object.
func hasClaim(request wire.CreateRequest, claim string) bool {
	return slices.ContainsFunc(request.Containers, func(c wire.ContainerVolumes) bool {
		return slices.ContainsFunc(c.PersistentVolumeClaims, func(p corev1.PersistentVolumeClaim) bool { return p.Name == claim })
	})
}

// TestRecordedCalls sends every other recorded request: pings, statuses, deletes and
// requests for logs. The pods of these requests do not exist in the remote cluster.
func TestRecordedCalls(t *testing.T) {
	shared := start(t)
	for _, recording := range testkit.Recordings(t) {
		if strings.Contains(recording.Name, "-create-") {
			continue
		}
		t.Run(recording.Name, func(t *testing.T) {
			h := *shared
			h.t = t
			code, answer := h.call(recording.Method, recording.Path, recording.Body)
			switch recording.Path {
			case "/status":
				h.checkMissingPods(recording.Body, code, answer)
			case "/delete":
				if code != http.StatusOK {
					t.Errorf("delete gets %d %s", code, answer)
				}
			case "/getLogs":
				if code != http.StatusNotFound || !strings.Contains(string(answer), `"detail"`) {
					t.Errorf("the request for logs gets %d %s", code, answer)
				}
			default:
				t.Errorf("this test has no check for the path %s", recording.Path)
			}
		})
	}
}

// checkMissingPods checks the answer to a status of pods that have a job ID and do not
// exist: it lists each container as terminated. The answer to a ping is an empty list.
func (h *harness) checkMissingPods(request []byte, code int, answer []byte) {
	h.t.Helper()
	var pods []corev1.Pod
	var states []wire.PodStatus
	h.must(json.Unmarshal(request, &pods))
	if code != http.StatusOK {
		h.t.Fatalf("status gets %d %s", code, answer)
	}
	h.must(json.Unmarshal(answer, &states))
	if len(states) != len(pods) {
		h.t.Fatalf("the answer has %d of %d pods: %s", len(states), len(pods), answer)
	}
	for i, pod := range pods {
		if len(states[i].Containers) != len(pod.Spec.Containers) {
			h.t.Errorf("the status has %d of %d containers", len(states[i].Containers), len(pod.Spec.Containers))
		}
		for _, c := range states[i].Containers {
			if c.State.Terminated == nil || c.State.Terminated.ExitCode != 137 || c.State.Terminated.Reason != "RemotePodNotFound" {
				h.t.Errorf("container %s has the state %+v", c.Name, c.State)
			}
		}
	}
}
