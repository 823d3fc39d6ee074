package cluster

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// A pod that is read from the cache is equal to the one that was put into it.
func TestCachedPodsAreDecodedAsTheyWere(t *testing.T) {
	running := testkit.RemotePod(1, map[string]string{wire.LabelPodUID: "uid", wire.LabelInstance: "a"})
	ending := testkit.RemotePod(2, map[string]string{wire.LabelPodUID: "uid"})
	ending.DeletionTimestamp = ptr.To(metav1.Unix(1, 0))
	ending.Annotations[wire.AnnotationOwned] = "configmaps/settings"
	ending.Spec.ActiveDeadlineSeconds = ptr.To[int64](7)
	ending.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: wire.GateDependents}}
	ending.Spec.InitContainers = ending.Spec.Containers[:1]
	ending.Status.InitContainerStatuses = ending.Status.ContainerStatuses[:1]
	ending.Status.Reason, ending.Status.Message = "Evicted", "low on memory"
	for _, pod := range []*corev1.Pod{running, ending, {}} {
		want := status.CachedFields(pod)
		cached, err := encodePod(want)
		if err != nil {
			t.Fatal(err)
		}
		if cached.Name != pod.Name || cached.Namespace != pod.Namespace || cached.ResourceVersion != pod.ResourceVersion || cached.uid != pod.Labels[wire.LabelPodUID] {
			t.Errorf("the cached pod is of %s/%s, resource version %s, UID %s", cached.Namespace, cached.Name, cached.ResourceVersion, cached.uid)
		}
		if got := decodePod(cached); !equality.Semantic.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if decodePod(running) != nil {
		t.Error("an object that no cache holds is decoded")
	}
}
