package cluster_test

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
)

// newCluster returns a Cluster whose cache is not used.
func newCluster(t *testing.T, server *apiserver.Server) *cluster.Cluster {
	t.Helper()
	c, err := cluster.New(server.Client, "", status.CachedFields, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// objectsOfEachKind returns an object of each kind that the plugin reads and deletes.
func objectsOfEachKind(namespace string) map[string]metav1.Object {
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "object"}
	claim := corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}}
	claim.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	pod := offloaded("object", "uid")
	pod.Namespace = namespace
	return map[string]metav1.Object{
		"ConfigMap": &corev1.ConfigMap{ObjectMeta: meta},
		"Secret":    &corev1.Secret{ObjectMeta: meta},
		"Service":   &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"a": "b"}}},
		"Claim":     &corev1.PersistentVolumeClaim{ObjectMeta: meta, Spec: claim},
		"Pod":       pod,
	}
}

// A delete by UID deletes that object only: not a later one with its name, and not one
// that has changed if the caller asks for that.
func TestDeleteByUID(t *testing.T) {
	server := apiserver.ForTest(t)
	c := newCluster(t, server)
	for kind, object := range objectsOfEachKind(server.Namespace(t)) {
		t.Run(kind, func(t *testing.T) {
			created, err := c.Create(t.Context(), object)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Create(t.Context(), object); !errdefs.Is(err, errdefs.Exists) {
				t.Errorf("a second create returns %v", err)
			}
			found, err := c.Get(t.Context(), object)
			if err != nil || found.GetUID() != created.GetUID() {
				t.Fatalf("Get returns %v, %v, want UID %s", found, err, created.GetUID())
			}

			found.SetUID("another")
			if err := c.Delete(t.Context(), found, nil, false); !errdefs.Is(err, errdefs.NotFound) {
				t.Errorf("with another UID Delete returns %v", err)
			}
			found.SetUID(created.GetUID())
			version := found.GetResourceVersion()
			found.SetResourceVersion("1")
			if err := c.Delete(t.Context(), found, nil, true); !errdefs.Is(err, errdefs.Conflict) {
				t.Errorf("with another version Delete returns %v", err)
			}
			if _, err := c.Get(t.Context(), object); err != nil {
				t.Fatalf("a failed delete has deleted the object: %v", err)
			}
			found.SetResourceVersion(version)
			if err := c.Delete(t.Context(), found, new(int64), true); err != nil {
				t.Fatal(err)
			}
			if kind == "Claim" { // a finalizer protects it, and no controller runs here
				_, err := server.Client.CoreV1().PersistentVolumeClaims(found.GetNamespace()).Patch(t.Context(), "object",
					types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
				if err != nil {
					t.Fatal(err)
				}
			}
			if _, err := c.Get(t.Context(), object); !errdefs.Is(err, errdefs.NotFound) {
				t.Errorf("after the delete Get returns %v", err)
			}
			if err := c.Delete(t.Context(), found, nil, false); !errdefs.Is(err, errdefs.NotFound) {
				t.Errorf("a second delete returns %v", err)
			}
		})
	}
}

// RemoveGate removes one gate of one pod, and never that of a later pod with its name.
func TestRemoveGate(t *testing.T) {
	server := apiserver.ForTest(t)
	c := newCluster(t, server)
	namespace := server.Namespace(t)
	pod := offloaded("pod", "uid")
	pod.Namespace = namespace
	pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.org/before"}, {Name: "example.org/ours"}, {Name: "example.org/after"}}
	created, err := c.Create(t.Context(), pod)
	if err != nil {
		t.Fatal(err)
	}
	pod.UID = "another"
	if err := c.RemoveGate(t.Context(), pod, "example.org/ours"); !errdefs.Is(err, errdefs.NotFound) {
		t.Errorf("for another UID RemoveGate returns %v", err)
	}
	pod.UID = created.GetUID()
	for range 2 { // it can be repeated
		if err := c.RemoveGate(t.Context(), pod, "example.org/ours"); err != nil {
			t.Fatal(err)
		}
		found, err := c.Pod(t.Context(), namespace, "pod")
		if err != nil {
			t.Fatal(err)
		}
		if want := []corev1.PodSchedulingGate{{Name: "example.org/before"}, {Name: "example.org/after"}}; !slices.Equal(found.Spec.SchedulingGates, want) {
			t.Errorf("the gates are %v, want %v", found.Spec.SchedulingGates, want)
		}
	}
	if err := c.Delete(t.Context(), pod, new(int64), false); err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveGate(t.Context(), pod, "example.org/ours"); !errdefs.Is(err, errdefs.NotFound) {
		t.Errorf("for a pod that is gone RemoveGate returns %v", err)
	}
}

// The handlers hear of every change, and of the end of each pod.
func TestOnPodChange(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	c := newCluster(t, server)
	var mu sync.Mutex
	var heard []string
	note := func(what string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			mu.Lock()
			defer mu.Unlock()
			if pod.Namespace == namespace {
				heard = append(heard, what+" "+pod.Name)
			}
		}
	}
	if err := c.OnPodChange(note("changed"), func(pod *corev1.Pod, seen bool) { note(fmt.Sprintf("deleted (seen: %v)", seen))(pod) }); err != nil {
		t.Fatal(err)
	}
	run(t, c)
	testkit.Eventually(t, "the pod cache is filled", c.Synced)
	pods := server.Client.CoreV1().Pods(namespace)
	if _, err := pods.Create(t.Context(), offloaded("pod", "uid-heard"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := pods.Delete(t.Context(), "pod", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the handlers hear of the pod's end", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(heard) > 1 && heard[0] == "changed pod" && heard[len(heard)-1] == "deleted (seen: true) pod"
	})
}
