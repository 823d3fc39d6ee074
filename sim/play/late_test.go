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

// A plugin may take its time to do what a remote pod needs: time stands still until
// it has.
func TestLatePatches(t *testing.T) {
	client := late{fakecluster.New(fakecluster.Options{}).Client()}
	files := scenarios(t, "mesh-ordinary-container", "mesh-fails", "mesh-times-out", "mesh-fails-restart-always")
	result, err := Run(t.Context(), files, Options{Client: client, PlayNodes: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Scenarios {
		if s.Verdict != report.Passed {
			t.Errorf("%s %s: %q", s.Name, s.Verdict, s.Differences)
		}
	}
}

// late is a cluster in memory whose pods are slow to patch.
type late struct{ kubernetes.Interface }

// IsWatchListSemanticsUnSupported is what informers ask a cluster in fakecluster.
func (late) IsWatchListSemanticsUnSupported() bool { return true }

func (l late) CoreV1() typedcore.CoreV1Interface { return lateCore{l.Interface.CoreV1()} }

type lateCore struct{ typedcore.CoreV1Interface }

func (c lateCore) Pods(namespace string) typedcore.PodInterface {
	return latePods{c.CoreV1Interface.Pods(namespace)}
}

type latePods struct{ typedcore.PodInterface }

func (p latePods) Patch(
	ctx context.Context, name string, kind types.PatchType, body []byte, options metav1.PatchOptions, sub ...string,
) (*corev1.Pod, error) {
	time.Sleep(300 * time.Millisecond)
	return p.PodInterface.Patch(ctx, name, kind, body, options, sub...)
}
