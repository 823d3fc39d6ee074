//go:build e2e

package suite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// measureLateSecrets prints how much later a pod starts whose Secret comes late: the
// kubelet tries again after pauses that double.
func measureLateSecrets(t *testing.T) {
	const each = 5 // pods
	watcher, err := testEnv.remote.client.CoreV1().Pods(measuredNamespace).Watch(testEnv.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	delays := []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}
	var mu sync.Mutex
	complete, delayOf := map[types.UID]time.Time{}, map[types.UID]time.Duration{}
	var creates errgroup.Group
	for _, delay := range delays {
		for i := range each {
			creates.Go(func() error {
				pod, err := testEnv.remote.client.CoreV1().Pods(measuredNamespace).Create(testEnv.ctx, ownPod(fmt.Sprintf("late-%d-%d", delay.Milliseconds(), i)), metav1.CreateOptions{})
				if err != nil {
					return err
				}
				time.Sleep(delay)
				if err := createObjects(testEnv.ctx, ownedBy(pod)); err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				complete[pod.UID], delayOf[pod.UID] = time.Now(), delay
				return nil
			})
		}
	}
	ctx, cancel := context.WithTimeout(testEnv.ctx, waitTimeout)
	defer cancel()
	startups := collectStartups(t, ctx, watcher, "late-", len(delays)*each)
	if err := creates.Wait(); err != nil {
		t.Fatal(err)
	}
	withFailedMounts(t, measuredNamespace, startups)
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "\nobjects come after the pod by\tstart after the objects: shortest\tlongest\tevents FailedMount for each pod\t")
	for _, delay := range delays {
		var waits []time.Duration
		events := 0
		for uid, s := range startups {
			if delayOf[uid] == delay {
				waits = append(waits, s.started.Sub(complete[uid]).Round(10*time.Millisecond))
				events += s.failedMounts
			}
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%.1f\t\n", delay, slices.Min(waits), slices.Max(waits), float64(events)/each)
	}
	_ = table.Flush() // to memory
	t.Log(text.String())
	deleteMeasured(t)
}
