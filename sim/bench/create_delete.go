package bench

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

// The local namespace of the pods of create and delete, its remote namespace, and that of the peer.
const (
	localNamespace  = "bench"
	remoteNamespace = "offloading-bench"
	peerNamespace   = "bareclient-bench"
)

// createAndDelete measures creates and deletes of pods, a number of them at once.
func createAndDelete(kind podKind, atOnce int) Measurement {
	title := fmt.Sprintf("%s, %d at once", kind.name, atOnce)
	return Measurement{"create and delete, " + title, func(ctx context.Context, b *Bench) ([]Line, error) {
		if err := b.bareNamespace(ctx, peerNamespace); err != nil {
			return nil, err
		}
		p, err := b.defaultProgram(ctx)
		if err != nil {
			return nil, err
		}
		var creates, deletes [2][]float64 // of the plugin and of the peer
		measure := func(_ int, peer bool) error {
			pods, err := workloads(kind, localNamespace, b.sizes.Pods)
			if err != nil {
				return err
			}
			create := func(w workload) error { _, err := p.call(ctx, http.MethodPost, "/create", w.create); return err }
			remove := func(w workload) error { _, err := p.call(ctx, http.MethodPost, "/delete", w.delete); return err }
			who, namespace := 0, remoteNamespace
			if peer {
				who, namespace = 1, peerNamespace
				for _, w := range pods {
					forPeer(w.remote, namespace)
				}
				create = func(w workload) error { return b.bareCreate(ctx, w.remote) }
				remove = func(w workload) error { return b.bareDelete(ctx, w.remote.Pod) }
			}
			created, err := perSecond(pods, atOnce, create)
			if err != nil {
				return fmt.Errorf("create: %w", err)
			}
			deleted, err := perSecond(pods, atOnce, remove)
			if err != nil {
				return fmt.Errorf("delete: %w", err)
			}
			creates[who], deletes[who] = append(creates[who], created), append(deletes[who], deleted)
			return b.waitUntilEmpty(ctx, namespace)
		}
		if err := rounds(1, measure); err != nil { // warms up
			return nil, err
		}
		creates, deletes = [2][]float64{}, [2][]float64{}
		if err := rounds(b.sizes.Rounds, measure); err != nil {
			return nil, err
		}
		return []Line{
			ratioLine("create, "+title, "bare client-go loop, same objects", "pods/s", creates[0], creates[1], atLeast(0.9)),
			ratioLine("delete, "+title, "bare loop of pod deletes", "pods/s", deletes[0], deletes[1], atLeast(0.9)),
		}, nil
	}}
}

// perSecond calls do for each item, a number of them at once, and returns how many were done in a second.
func perSecond[T any](items []T, atOnce int, do func(T) error) (float64, error) {
	runtime.GC() // the garbage of what was measured before
	start := time.Now()
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, item := range items {
		group.Go(func() error { return do(item) })
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return float64(len(items)) / time.Since(start).Seconds(), nil
}
