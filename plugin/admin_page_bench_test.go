package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const benchToken = "token-of-the-benchmark"

// pageOf returns the page of a plugin whose cache has a number of pods, and that plugin.
func pageOf(tb testing.TB, pods int) (*Plugin, http.Handler) {
	tb.Helper()
	list := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
	for i := range pods {
		list.Items = append(list.Items, *manyPod(i))
	}
	client := fake.NewClientset()
	client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) { return true, list, nil })
	file := filepath.Join(tb.TempDir(), "token")
	if err := os.WriteFile(file, []byte(benchToken), 0o600); err != nil {
		tb.Fatal(err)
	}
	cfg := config.Defaults()
	cfg.App.AdminAddress, cfg.App.AdminTokenFile = "localhost:0", file
	log := testkit.NewLog(tb).Logger()
	p, err := New(cfg, client, nil, "test", log)
	if err != nil {
		tb.Fatal(err)
	}
	registry, err := p.metrics(nil)
	if err != nil {
		tb.Fatal(err)
	}
	handler, err := p.newPage(cfg.App, registry, nil, log)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(tb.Context())
	ended := make(chan struct{})
	go func() { p.cluster.Run(ctx); close(ended) }()
	tb.Cleanup(func() { stop(); <-ended })
	testkit.Eventually(tb, "the page has all pods", func() bool { return len(p.page.rows.all()) == pods })
	return p, handler
}

// manyPod returns one of many pods that run; some are stuck.
func manyPod(i int) *corev1.Pod {
	pod := pagePod(func(p *corev1.Pod) {
		p.Name, p.UID, p.ResourceVersion = fmt.Sprintf("job-%05d-1234", i), types.UID(fmt.Sprintf("remote-%d", i)), "1"
		p.Labels = labels.Set{wire.LabelPodUID: fmt.Sprint(i)}
		if selector, err := labels.ConvertSelectorToLabelsMap(scope.Selector()); err == nil {
			maps.Copy(p.Labels, selector)
		}
		p.Annotations[wire.AnnotationSourceName] = fmt.Sprintf("job-%05d", i)
		p.Spec.NodeName = fmt.Sprintf("worker-%d", i%20)
		p.CreationTimestamp = pageTime(time.Duration(i*7919%90_000) * time.Second)
		p.Status.Phase = corev1.PodRunning
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: pageTime(0)}}}}
	})
	if i%50 == 0 {
		containerWaits("ImagePullBackOff", `Back-off pulling image "x"`)(pod)
	}
	return pod
}

// forgetTable makes the next look at the table the first one after a second.
func forgetTable(p *Plugin) {
	p.page.mu.Lock()
	defer p.page.mu.Unlock()
	p.page.pods = nil
}

// look sends a request for the table, the first one after a second, and returns the length of the page.
func look(tb testing.TB, p *Plugin, handler http.Handler, path string) int {
	forgetTable(p)
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer "+benchToken)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		tb.Fatalf("%s answers %d %s", path, w.Code, w.Body)
	}
	return w.Body.Len()
}

// BenchmarkPage compares the page of many pods with the page of 100, and with writing the same table as JSON, all of it: see
// the ratios. Each page is the first one after a second.
func BenchmarkPage(b *testing.B) {
	few, fewHandler := pageOf(b, 100)
	for _, pods := range []int{5000, 10_000} {
		b.Run(fmt.Sprintf("pods=%d", pods), func(b *testing.B) {
			p, handler := pageOf(b, pods)
			var page, small, encoded time.Duration
			length := 0
			timed := func(sum *time.Duration, do func()) {
				began := time.Now()
				do()
				*sum += time.Since(began)
			}
			for b.Loop() { // in turns, so that other load on the machine is the same for all
				timed(&page, func() { length = look(b, p, handler, "/?sort=name") })
				timed(&small, func() { look(b, few, fewHandler, "/?sort=name") })
				timed(&encoded, func() {
					forgetTable(p)
					if _, err := json.Marshal(p.page.Pods(b.Context())); err != nil {
						b.Fatal(err)
					}
				})
			}
			n := float64(b.N)
			b.ReportMetric(0, "ns/op") // the sum of all three
			b.ReportMetric(float64(page.Microseconds())/1000/n, "ms/page")
			b.ReportMetric(float64(page)/float64(small), "page/page-of-100")
			b.ReportMetric(float64(page)/float64(encoded), "page/JSON")
			b.ReportMetric(float64(length)/1024, "KB/page")
		})
	}
}

// A page allocates for the pods that it shows, and not for those that it does not show. The number of allocations says it
// without a clock.
func TestAPageOfManyPodsAllocatesNoMore(t *testing.T) {
	allocations := func(pods int) float64 {
		p, handler := pageOf(t, pods)
		return testing.AllocsPerRun(5, func() { look(t, p, handler, "/?sort=name&q=job") })
	}
	if few, many := allocations(100), allocations(2000); many > few*1.2 {
		t.Errorf("a page allocates %v times for 100 pods, and %v times for 2000", few, many)
	}
}
