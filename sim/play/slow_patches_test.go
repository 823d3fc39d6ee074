package play

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// The virtual clock waits for a plugin whose patches of remote pods are slow.
func TestVirtualClockWaitsForSlowPatches(t *testing.T) {
	client := slowPatches{fakecluster.New(fakecluster.Options{}).Client()}
	files := scenarios(t, "mesh-ordinary-container", "mesh-fails", "mesh-times-out", "mesh-fails-restart-always")
	result, err := Run(t.Context(), files, Options{Client: client, PlayNodes: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Scenarios {
		if s.Verdict != report.Passed {
			t.Errorf("%s %s: %q", s.Name, s.Verdict, s.Texts())
		}
	}
}

// slowPatches is a cluster in memory in which patches of pods are slow.
type slowPatches struct{ kubernetes.Interface }

// IsWatchListSemanticsUnSupported is a question of informers to fake clusters.
func (slowPatches) IsWatchListSemanticsUnSupported() bool { return true }

func (s slowPatches) CoreV1() typedcore.CoreV1Interface { return slowCore{s.Interface.CoreV1()} }

type slowCore struct{ typedcore.CoreV1Interface }

func (c slowCore) Pods(namespace string) typedcore.PodInterface {
	return slowPods{c.CoreV1Interface.Pods(namespace)}
}

type slowPods struct{ typedcore.PodInterface }

func (p slowPods) Patch(
	ctx context.Context, name string, kind types.PatchType, body []byte, options metav1.PatchOptions, sub ...string,
) (*corev1.Pod, error) {
	time.Sleep(300 * time.Millisecond)
	return p.PodInterface.Patch(ctx, name, kind, body, options, sub...)
}
