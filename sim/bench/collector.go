package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// CollectorFlags give kube-controller-manager its default pace: some 20 deletions a second.
var CollectorFlags = []string{"--kube-api-qps=20", "--kube-api-burst=30"}

// CollectorSizes say how much the measurements of the collector measure.
type CollectorSizes struct {
	// PodsPerSecond pods with a Secret each are created for Time, and deleted after Life.
	PodsPerSecond int
	Time, Life    time.Duration
	// Pods pods with Owned objects each are deleted at once.
	Pods, Owned int
}

// DefaultCollectorSizes are those of make bench-collector.
func DefaultCollectorSizes() CollectorSizes {
	return CollectorSizes{PodsPerSecond: 10, Time: 5 * time.Minute, Life: 10 * time.Second, Pods: 300, Owned: 7}
}

// CollectorMeasurements show how long the objects stay that deleted pods owned: if only the garbage
// collector deletes them, and if the plugin deletes them too. The API server of the Bench needs
// [CollectorFlags].
func CollectorMeasurements(sizes CollectorSizes) []Measurement {
	return []Measurement{
		{"drain", func(ctx context.Context, b *Bench) ([]Line, error) { return b.drain(ctx, sizes) }},
		{"pace", func(ctx context.Context, b *Bench) ([]Line, error) { return b.pace(ctx, sizes) }},
	}
}

// deleter is the plugin or the bare loop.
type deleter struct {
	namespace      string // remote
	create, remove func(workload) error
}

// deleters returns the plugin and the bare loop. The bare loop deletes pods only: what they owned is left to
// the collector.
func (b *Bench) deleters(ctx context.Context) ([2]deleter, error) {
	p, err := b.defaultProgram(ctx)
	if err == nil {
		err = b.bareNamespace(ctx, peerNamespace)
	}
	return [2]deleter{{
		remoteNamespace,
		func(w workload) error { _, err := p.call(ctx, http.MethodPost, "/create", w.create); return err },
		func(w workload) error { _, err := p.call(ctx, http.MethodPost, "/delete", w.delete); return err },
	}, {
		peerNamespace,
		func(w workload) error { return b.bareCreate(ctx, forPeer(w.remote, peerNamespace)) },
		func(w workload) error { return b.bareDelete(ctx, w.remote.Pod) },
	}}, err
}

// drain measures how long it takes until many pods that are deleted at once are gone with all that they own.
func (b *Bench) drain(ctx context.Context, sizes CollectorSizes) ([]Line, error) {
	deleters, err := b.deleters(ctx)
	if err != nil {
		return nil, err
	}
	kind := podKind{name: "drain", configMaps: sizes.Owned - 1, secrets: 1}
	var took [2][]float64
	for i, s := range deleters {
		pods, err := workloads(kind, localNamespace, sizes.Pods)
		if err != nil {
			return nil, err
		}
		if _, err := perSecond(pods, bareAtOnce, s.create); err != nil {
			return nil, err
		}
		start := time.Now()
		if _, err := lastAnswer(pods, s.remove); err != nil {
			return nil, err
		}
		answered := time.Since(start)
		if err := b.patiently(ctx, "the end of all objects", func() (bool, error) {
			left, err := b.leftovers(ctx, s.namespace)
			if isServerFailure(err) {
				return false, nil
			}
			return left == 0, err
		}); err != nil {
			return nil, err
		}
		took[i] = append(took[i], time.Since(start).Seconds())
		b.options.Log("%s: %d deletes answered in %s, all gone after %s", s.namespace, sizes.Pods, answered, time.Since(start))
	}
	name := fmt.Sprintf("drain of %d pods with %d objects each", sizes.Pods, sizes.Owned)
	return []Line{ratioLine(name, "garbage collector alone", "s", took[0], took[1], nil)}, nil
}

// pace measures how many objects without their pod there are while pods come and go.
func (b *Bench) pace(ctx context.Context, sizes CollectorSizes) ([]Line, error) {
	deleters, err := b.deleters(ctx)
	if err != nil {
		return nil, err
	}
	var most, end [2]float64
	for i, s := range deleters {
		pods, err := workloads(podKind{name: "pace", secrets: 1}, localNamespace, int(sizes.Time.Seconds())*sizes.PodsPerSecond)
		if err != nil {
			return nil, err
		}
		var sampling sync.WaitGroup
		var samples []int
		sampled, stop := context.WithCancel(ctx)
		sampling.Go(func() {
			for sampled.Err() == nil {
				if count, err := b.ownerless(ctx, s.namespace); err == nil {
					samples = append(samples, count)
				}
				select {
				case <-sampled.Done():
				case <-time.After(5 * time.Second):
				}
			}
		})
		err = comeAndGo(pods, time.Second/time.Duration(sizes.PodsPerSecond), sizes.Life, s)
		start := time.Now()
		stop()
		sampling.Wait()
		if err != nil {
			return nil, err
		}
		if err := b.patiently(ctx, "the end of all objects", func() (bool, error) {
			left, err := b.leftovers(ctx, s.namespace)
			if isServerFailure(err) {
				return false, nil
			}
			return left == 0, err
		}); err != nil {
			return nil, err
		}
		end[i] = time.Since(start).Seconds()
		for _, count := range samples {
			most[i] = max(most[i], float64(count))
		}
		b.options.Log("%s: objects without their pod, every 5 s: %v; all gone %.1f s after the last delete", s.namespace, samples, end[i])
	}
	name := fmt.Sprintf("%d pods/s with a Secret each for %s: ", sizes.PodsPerSecond, sizes.Time)
	peer := "garbage collector alone"
	return []Line{
		{Name: name + "objects without their pod, at most", Peer: peer, Figure: most[0], PeerFigure: most[1], Value: most[0]},
		{Name: name + "all gone after the last delete", Peer: peer, Unit: "s", Figure: end[0], PeerFigure: end[1], Value: end[0], ValueUnit: "s"},
	}, nil
}

// comeAndGo creates a pod at each interval, and deletes it after its life. It does not wait for answers. The bare loop, unlike
// the plugin, does not survive a moment in which the API server fails: its pod then goes at once, and its delete is tried again.
func comeAndGo(pods []workload, interval, life time.Duration, s deleter) error {
	var group errgroup.Group
	for ticks := time.NewTicker(interval); len(pods) > 0; <-ticks.C {
		pod := pods[0]
		pods = pods[1:]
		group.Go(func() error {
			if err := s.create(pod); err != nil && !isServerFailure(err) {
				return fmt.Errorf("create: %w", err)
			}
			time.Sleep(life)
			err := retry.OnError(retry.DefaultBackoff, isServerFailure, func() error { return s.remove(pod) })
			if apierrors.IsNotFound(err) {
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

// isServerFailure reports whether the API server itself failed, and may do better in a moment.
func isServerFailure(err error) bool {
	var status apierrors.APIStatus
	ok := errors.As(err, &status)
	return ok && (status.Status().Code >= http.StatusInternalServerError || status.Status().Code == http.StatusTooManyRequests)
}

// ownerless returns the number of objects whose pod does not exist.
func (b *Bench) ownerless(ctx context.Context, namespace string) (count int, err error) {
	core := b.client.CoreV1()
	// Resource version 0: the API server answers from its cache.
	options := metav1.ListOptions{LabelSelector: wire.LabelPodUID, ResourceVersion: "0"}
	secrets, err := core.Secrets(namespace).List(ctx, options)
	if err != nil {
		return 0, err
	}
	configMaps, err := core.ConfigMaps(namespace).List(ctx, options)
	if err != nil {
		return 0, err
	}
	pods, err := core.Pods(namespace).List(ctx, options)
	if err != nil {
		return 0, err
	}
	exists := map[types.UID]bool{}
	for _, pod := range pods.Items {
		exists[pod.UID] = true
	}
	add := func(owners []metav1.OwnerReference) {
		if len(owners) > 0 && !exists[owners[0].UID] {
			count++
		}
	}
	for _, o := range secrets.Items {
		add(o.OwnerReferences)
	}
	for _, o := range configMaps.Items {
		add(o.OwnerReferences)
	}
	return count, nil
}
