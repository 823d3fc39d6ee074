package play

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

var (
	discard    = slog.New(slog.DiscardHandler)
	allObjects = metav1.ListOptions{}
)

// clusterWithNodes returns a cluster in memory whose simulated nodes know no scenario.
func clusterWithNodes(t *testing.T) kubernetes.Interface {
	t.Helper()
	logs := node.NewLogs(node.ScaledClock(1))
	client := fakecluster.New(fakecluster.Options{Logs: logs.Open}).Client()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = node.New(node.Options{Client: client, Logs: logs}).Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return client
}
