package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
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
		sides, err := b.sides(ctx)
		if err != nil {
			return nil, err
		}
		created, deleted := newFigures(sides), newFigures(sides)
		for round := range 1 + b.sizes.Rounds { // the first warms up
			if round == 1 {
				created, deleted = newFigures(sides), newFigures(sides)
			}
			pods, err := b.pods(sides, kind)
			if err != nil {
				return nil, err
			}
			err = b.inTurns(created, pods, atOnce, func(s side) func(workload) error { return s.create })
			if err != nil {
				return nil, fmt.Errorf("create: %w", err)
			}
			err = b.inTurns(deleted, pods, atOnce, func(s side) func(workload) error { return s.remove })
			if err != nil {
				return nil, fmt.Errorf("delete: %w", err)
			}
			for _, s := range sides {
				if err := b.waitUntilEmpty(ctx, s.namespace); err != nil {
					return nil, err
				}
			}
		}
		lines := append(created.lines("create, "+title), deleted.lines("delete, "+title)...)
		if atOnce == processorTimeAtOnce {
			lines = append(lines, created.processorLines("create, "+title)...)
			lines = append(lines, deleted.processorLines("delete, "+title)...)
		}
		return lines, nil
	}}
}

// figures has the figures of each side, one for each round.
type figures struct {
	sides []side
	rate  [][]float64 // pods in a second
	// own is the processor time of the process of the side for a pod, and remote that of the API server.
	own, remote [][]float64
}

func newFigures(sides []side) *figures {
	empty := func() [][]float64 { return make([][]float64, len(sides)) }
	return &figures{sides, empty(), empty(), empty()}
}

// lines compares the plugin with its peers.
func (f *figures) lines(name string) (lines []Line) {
	for who, s := range f.sides[1:] {
		lines = append(lines, ratioLine(name, s.name, "pods/s", f.rate[0], f.rate[1+who], s.goal))
	}
	return lines
}

// processorTimeAtOnce is the number of pods at once with which the lines about processor time are measured.
const processorTimeAtOnce = 8

// processorLines compares the processor time: that of the plugin with the program that stands behind a
// socket, too, and that of the API server. A time that is too short to be counted has no line.
func (f *figures) processorLines(name string) (lines []Line) {
	add := func(name, peer string, figures, peers []float64) {
		if slices.Min(figures) > 0 && slices.Min(peers) > 0 {
			lines = append(lines, ratioLine(name, peer, "ms/pod", figures, peers, nil))
		}
	}
	for who, s := range f.sides[1:] {
		if s.name == sameLoop {
			add(name+": processor time of the program", s.name, f.own[0], f.own[1+who])
		}
		add(name+": processor time of API server, etcd and collector", s.name, f.remote[0], f.remote[1+who])
	}
	return lines
}

// inTurns does something for all pods of all sides, a number of them at once.
func (b *Bench) inTurns(f *figures, pods [][]workload, atOnce int, do func(side) func(workload) error) error {
	server, err := b.apiServerProcesses()
	if err != nil {
		return err
	}
	own, remote := make([]time.Duration, len(f.sides)), make([]time.Duration, len(f.sides))
	count := len(pods[0])
	rates, err := takeTurns(count, len(f.sides), func(who, from, to int) error {
		s := f.sides[who]
		ownUsed, remoteUsed := stopwatch(s.process), stopwatch(server...)
		if err := each(pods[who][from:to], atOnce, do(s)); err != nil {
			return err
		}
		return errors.Join(ownUsed(&own[who]), remoteUsed(&remote[who]))
	})
	if err != nil {
		return err
	}
	for who := range f.sides {
		f.rate[who] = append(f.rate[who], rates[who])
		f.own[who] = append(f.own[who], milliseconds(own[who])/float64(count))
		f.remote[who] = append(f.remote[who], milliseconds(remote[who])/float64(count))
	}
	return nil
}

// turns is how often plugin and peer take turns within a round: a change of the machine's load hits both.
const turns = 8

// takeTurns calls do for parts of count items, in turns for the plugin (0) and its peers, and returns how many
// items each did in a second of its own turns.
func takeTurns(count, sides int, do func(who, from, to int) error) (perSecond []float64, err error) {
	runtime.GC() // the garbage of what was measured before
	took := make([]time.Duration, sides)
	for turn := range turns {
		for i := range sides {
			who := (i + turn) % sides
			start := time.Now()
			if err := do(who, turn*count/turns, (turn+1)*count/turns); err != nil {
				return nil, err
			}
			took[who] += time.Since(start)
		}
	}
	for _, t := range took {
		perSecond = append(perSecond, float64(count)/t.Seconds())
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
