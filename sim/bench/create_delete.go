package bench

import (
	"context"
	"errors"
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
		round := func() (created, deleted [2]float64, err error) {
			sides, err := b.sides(ctx, p, kind)
			if err != nil {
				return created, deleted, err
			}
			if created, err = inTurns(sides, atOnce, func(s side) func(workload) error { return s.create }); err != nil {
				return created, deleted, fmt.Errorf("create: %w", err)
			}
			if deleted, err = inTurns(sides, atOnce, func(s side) func(workload) error { return s.remove }); err != nil {
				return created, deleted, fmt.Errorf("delete: %w", err)
			}
			return created, deleted, errors.Join(b.waitUntilEmpty(ctx, remoteNamespace), b.waitUntilEmpty(ctx, peerNamespace))
		}
		if _, _, err := round(); err != nil { // warms up
			return nil, err
		}
		var creates, deletes [2][]float64 // of the plugin and of the peer
		for range b.sizes.Rounds {
			created, deleted, err := round()
			if err != nil {
				return nil, err
			}
			for who := range created {
				creates[who], deletes[who] = append(creates[who], created[who]), append(deletes[who], deleted[who])
			}
		}
		return []Line{
			ratioLine("create, "+title, "bare client-go loop, same objects", "pods/s", creates[0], creates[1], atLeast(0.9)),
			ratioLine("delete, "+title, "bare loop of pod deletes", "pods/s", deletes[0], deletes[1], atLeast(0.9)),
		}, nil
	}}
}

// side is the plugin or its peer, with pods of its own.
type side struct {
	pods           []workload
	create, remove func(workload) error
}

// sides returns the plugin and the peer, with new pods of one kind.
func (b *Bench) sides(ctx context.Context, p *program, kind podKind) (sides [2]side, err error) {
	for i := range sides {
		if sides[i].pods, err = workloads(kind, localNamespace, b.sizes.Pods); err != nil {
			return sides, err
		}
	}
	for _, w := range sides[1].pods {
		forPeer(w.remote, peerNamespace)
	}
	sides[0].create = func(w workload) error { _, err := p.call(ctx, http.MethodPost, "/create", w.create); return err }
	sides[0].remove = func(w workload) error { _, err := p.call(ctx, http.MethodPost, "/delete", w.delete); return err }
	sides[1].create = func(w workload) error { return b.bareCreate(ctx, w.remote) }
	sides[1].remove = func(w workload) error { return b.bareDelete(ctx, w.remote.Pod) }
	return sides, nil
}

// turns is how often plugin and peer take turns within a round: a change of the machine's load hits both.
const turns = 8

// inTurns does something for all pods of both sides, a number of them at once, and returns how many pods
// each side did in a second of its own turns.
func inTurns(sides [2]side, atOnce int, do func(side) func(workload) error) (perSecond [2]float64, err error) {
	return takeTurns(len(sides[0].pods), func(who, from, to int) error {
		return each(sides[who].pods[from:to], atOnce, do(sides[who]))
	})
}

// takeTurns calls do for parts of count items, in turns for plugin (0) and peer (1), and returns how many items
// each did in a second of its own turns.
func takeTurns(count int, do func(who, from, to int) error) (perSecond [2]float64, err error) {
	runtime.GC() // the garbage of what was measured before
	var took [2]time.Duration
	for turn := range turns {
		for i := range took {
			who := (i + turn) % 2
			start := time.Now()
			if err := do(who, turn*count/turns, (turn+1)*count/turns); err != nil {
				return perSecond, err
			}
			took[who] += time.Since(start)
		}
	}
	for who := range took {
		perSecond[who] = float64(count) / took[who].Seconds()
	}
	return perSecond, nil
}

// each calls do for each item, a number of them at once.
func each[T any](items []T, atOnce int, do func(T) error) error {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, item := range items {
		group.Go(func() error { return do(item) })
	}
	return group.Wait()
}

// perSecond calls do for each item, a number of them at once, and returns how many were done in a second.
func perSecond[T any](items []T, atOnce int, do func(T) error) (float64, error) {
	runtime.GC() // the garbage of what was measured before
	start := time.Now()
	if err := each(items, atOnce, do); err != nil {
		return 0, err
	}
	return float64(len(items)) / time.Since(start).Seconds(), nil
}
