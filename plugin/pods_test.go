package plugin_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// However many pods there are, no more than a page is in memory, and each is listed once.
func TestPodsAreListedPageByPage(t *testing.T) {
	const count = 1201
	var objects []runtime.Object
	for i := range count {
		objects = append(objects, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: "n", Name: fmt.Sprint("pod-", i),
			Labels: map[string]string{wire.LabelOffloading: wire.Offloading, wire.LabelInstance: "default", wire.LabelPodUID: fmt.Sprint(i)},
		}})
	}
	var pages []int
	listed := map[string]bool{}
	note, err := plugin.ListPods(t.Context(), config.Defaults(), fake.NewClientset(objects...), plugin.PodQuery{}, time.Now(), func(pods []plugin.ListedPod) error {
		pages = append(pages, len(pods))
		for _, pod := range pods {
			listed[pod.Local.UID] = true
		}
		return nil
	})
	if err != nil || note != "" || len(listed) != count || fmt.Sprint(pages) != "[500 500 201]" {
		t.Errorf("%v, %q: %d pods in pages of %v", err, note, len(listed), pages)
	}
}
