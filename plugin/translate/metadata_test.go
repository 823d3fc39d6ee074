package translate_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// largestAnnotation is the size of a value that, with the name "a", is all that the API
// server accepts as annotations of an object.
const largestAnnotation = 256<<10 - 1

// TestObjectsAtTheLimitOfAnnotations creates the remote objects of a pod, a ConfigMap and a
// Secret that have as many annotations as the local API server accepts: a real API server
// accepts the remote ones too.
func TestObjectsAtTheLimitOfAnnotations(t *testing.T) {
	server := apiserver.ForTest(t)
	full := map[string]string{"a": strings.Repeat("x", largestAnnotation)}
	request := &wire.CreateRequest{Pod: *podOf("main")}
	request.Pod.UID, request.Pod.Annotations = "uid", full
	request.Containers = []wire.ContainerVolumes{{
		ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "cfg", Annotations: full}}},
		Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "sec", Annotations: full}}},
	}}
	namespace := server.Namespace(t)
	objects, err := translate.ToObjects(request, translate.Options{Scope: scope.Scope{Namespace: namespace, Instance: "default"}})
	if err != nil {
		t.Fatal(err)
	}
	core := server.Client.CoreV1()
	if _, err := core.ConfigMaps(namespace).Create(t.Context(), objects.ConfigMaps[0], metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := core.Secrets(namespace).Create(t.Context(), objects.Secrets[0], metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := core.Pods(namespace).Create(t.Context(), objects.Pod, metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
	if want := "annotation a is left out"; !slices.ContainsFunc(objects.Warnings, func(w string) bool { return strings.HasPrefix(w, want) }) {
		t.Errorf("no warning %q among %q", want, objects.Warnings)
	}
}

// TestAnnotationsFit checks, for generated pods, that the remote pod has fewer annotations
// than the API server accepts, keeps those that fit, and never loses one of the plugin's.
func TestAnnotationsFit(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 16))
		request := &wire.CreateRequest{Pod: *podOf("main")}
		request.Pod.UID, request.Pod.Annotations = "uid", map[string]string{}
		budget, local := 256<<10, 0
		for name := range strings.SplitSeq("a b c d e kueue.x-k8s.io/queue", " ") {
			size := random.IntN(budget)
			budget -= size
			local += size
			request.Pod.Annotations[name] = strings.Repeat(`"`, size)
		}
		options := translate.Options{Scope: scope.Scope{Instance: "default"}}
		options.DroppedMetadata = config.Defaults().Offloading.DroppedMetadata
		objects, err := translate.ToObjects(request, options)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for name, value := range objects.Pod.Annotations {
			total += len(name) + len(value)
		}
		if total > 248<<10 {
			t.Errorf("seed %d: the annotations have %d bytes", seed, total)
		}
		for _, name := range []string{wire.AnnotationOwned, wire.AnnotationSourceName, wire.AnnotationSourceUID} {
			if _, ok := objects.Pod.Annotations[name]; !ok {
				t.Errorf("seed %d: the annotation %s is missing", seed, name)
			}
		}
		if local < 100<<10 && len(objects.Warnings) > 0 {
			t.Errorf("seed %d: %d bytes of annotations fit, but there are the warnings %q", seed, local, objects.Warnings)
		}
	}
}

// A label gets the same name for no other label, whatever it is.
func TestPrefixedLabelsStayDifferent(t *testing.T) {
	labels := map[string]string{}
	for _, name := range []string{"app", "app.source.interlink.io", "x/app", "x.y/app", "source/app", "interlink.io.x/app", "x.source/app"} {
		labels[name] = "value"
	}
	request := &wire.CreateRequest{Pod: *podOf("main")}
	request.Pod.UID, request.Pod.Labels = "uid", labels
	objects, err := translate.ToObjects(request, translate.Options{Scope: scope.Scope{Instance: "default"}})
	if err != nil {
		t.Fatal(err)
	}
	const own = 3 // the plugin's
	if got, want := len(objects.Pod.Labels), len(labels)+own; got != want {
		t.Errorf("%d labels, want %d: %v", got, want, objects.Pod.Labels)
	}
	for name := range labels {
		if _, ok := objects.Pod.Labels[name]; ok {
			t.Errorf("label %s has no prefix", name)
		}
	}
}

// podOf returns a local pod with one container.
func podOf(container string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: "demo"}}
	pod.Spec.Containers = []corev1.Container{{Name: container, Image: "busybox"}}
	return pod
}
