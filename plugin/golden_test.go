package plugin_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

var update = flag.Bool("update", false, "rewrite fixtures/objects")

// compareObjects compares the objects of a pod on the API server with a golden in
// fixtures/objects.
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

// expectNone waits until no object with the UID of a local pod exists, but those that the
// garbage collector deletes, which does not run here.
func (h *harness) expectNone(pod corev1.Pod) {
	h.t.Helper()
	h.eventually("no object of the pod exists", func() bool { return h.objects(string(pod.UID)) == "" })
}

// objects returns the objects with the UID of a local pod in all namespaces, as a
// manifest, without those whose owner does not exist.
func (h *harness) objects(uid string) string {
	h.t.Helper()
	ctx, byUID, core := context.Background(), metav1.ListOptions{LabelSelector: wire.LabelPodUID + "=" + uid}, h.admin.CoreV1()
	pods, err := core.Pods("").List(ctx, byUID)
	h.must(err)
	owners := map[types.UID]bool{}
	for i := range pods.Items {
		owners[pods.Items[i].UID] = true
	}
	var out strings.Builder
	document := func(kind string, object metav1.Object) {
		for _, owner := range object.GetOwnerReferences() {
			if !owners[owner.UID] {
				return
			}
		}
		for _, clear := range []func(){
			func() { object.SetUID("") }, func() { object.SetResourceVersion("") }, func() { object.SetGeneration(0) },
			func() { object.SetCreationTimestamp(metav1.Time{}) }, func() { object.SetManagedFields(nil) },
			func() { delete(object.GetAnnotations(), wire.AnnotationCreatedBy) }, // random
			func() {
				for i := range object.GetOwnerReferences() {
					object.GetOwnerReferences()[i].UID = ""
				}
			},
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
			if strings.HasSuffix(key, ".sh") { // a script of the pod's network, which plugin/mesh tests
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
	for i := range pods.Items {
		pods.Items[i].Status = corev1.PodStatus{}
		document("Pod", &pods.Items[i])
	}
	return out.String()
}
