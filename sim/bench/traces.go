package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// What the plugin with traces is called as a side, and what it is compared with.
const (
	tracesOn  = "plugin with traces"
	tracesOff = "without traces"
)

// costOfTraces compares a plugin that sends each span to a collector on this machine with one that has no traces.
func costOfTraces() Measurement {
	return Measurement{"traces", func(ctx context.Context, b *Bench) (_ []Line, err error) {
		pods, err := b.cachedPods(ctx)
		if err != nil {
			return nil, err
		}
		received, err := startReceiver()
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, received.stop()) }()
		on, err := b.startIn(ctx, received.environ())
		if err != nil {
			return nil, err
		}
		defer func() {
			if on != nil {
				err = errors.Join(err, on.stop())
			}
		}()
		off, err := b.startIn(ctx, []string{"OTEL_SDK_DISABLED=true"})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, off.stop()) }()

		lines, statuses, err := b.tracedStatus(ctx, [2]*program{on, off}, pods.many)
		if err != nil {
			return nil, err
		}
		changes, creates, err := b.tracedChanges(ctx, on, off)
		if err != nil {
			return nil, err
		}
		ended := on
		on = nil
		if err := ended.stop(); err != nil { // it sends the last spans
			return nil, err
		}
		spans, err := received.count()
		if err != nil {
			return nil, err
		}
		lost := float64(statuses - spans["GET /status"] + creates - spans["POST /create"] + creates - spans["POST /delete"])
		lines = append(append(lines, changes...), Line{Name: fmt.Sprintf("traces: spans of %d requests that did not arrive", statuses+2*creates), Figure: lost, Value: lost, Goal: atMost(0)})
		return lines, nil
	}}
}

// tracedStatus measures status calls for one pod. calls is how many the plugin with traces has got.
func (b *Bench) tracedStatus(ctx context.Context, sides [2]*program, pods []cachedPod) (lines []Line, calls int, err error) {
	bodies := statusBodies(pods, b.sizes.Calls)
	var rates, used [2][]float64
	for round := range 1 + b.sizes.Rounds { // the first warms up
		var took [2]time.Duration
		rate, err := takeTurns(len(bodies), len(sides), func(who, from, to int) error {
			stop := stopwatch(sides[who].process.Process.Pid)
			if err := each(bodies[from:to], 1, sides[who].statusCall(ctx, "/status")); err != nil {
				return err
			}
			return stop(&took[who])
		})
		if err != nil {
			return nil, 0, err
		}
		calls += len(bodies)
		if round == 0 {
			continue
		}
		for who := range sides {
			rates[who] = append(rates[who], rate[who])
			used[who] = append(used[who], 1000*milliseconds(took[who])/float64(len(bodies)))
		}
	}
	const name = "traces: status, one pod a call"
	lines = []Line{ratioLine(name, tracesOff, "calls/s", rates[0], rates[1], nil)}
	if slices.Min(used[0]) > 0 && slices.Min(used[1]) > 0 { // a time that is too short is not counted
		lines = append(lines, ratioLine(name+": processor time of the program", tracesOff, "µs/call", used[0], used[1], nil))
	}
	return lines, calls, nil
}

// tracedChanges measures creates and deletes of pods with a ConfigMap and a Secret. creates is how many of each the
// plugin with traces has got.
func (b *Bench) tracedChanges(ctx context.Context, on, off *program) (lines []Line, creates int, err error) {
	sides := []side{
		behindSocket(ctx, on, side{name: tracesOn, namespace: remoteNamespace}, ""),
		behindSocket(ctx, off, side{name: tracesOff, namespace: remoteNamespace}, ""),
	}
	created, deleted := newFigures(sides), newFigures(sides)
	for round := range 1 + b.sizes.Rounds { // the first warms up
		if round == 1 {
			created, deleted = newFigures(sides), newFigures(sides)
		}
		pods, err := b.pods(sides, podKinds[len(podKinds)-1])
		if err != nil {
			return nil, 0, err
		}
		creates += len(pods[0])
		if err := b.inTurns(created, pods, processorTimeAtOnce, func(s side) func(workload) error { return s.create }); err != nil {
			return nil, 0, fmt.Errorf("create: %w", err)
		}
		if err := b.inTurns(deleted, pods, processorTimeAtOnce, func(s side) func(workload) error { return s.remove }); err != nil {
			return nil, 0, fmt.Errorf("delete: %w", err)
		}
		if err := b.waitUntilEmpty(ctx, remoteNamespace); err != nil {
			return nil, 0, err
		}
	}
	title := fmt.Sprintf("%s, %d at once", podKinds[len(podKinds)-1].name, processorTimeAtOnce)
	for _, m := range []struct {
		name string
		*figures
	}{{"traces: create, " + title, created}, {"traces: delete, " + title, deleted}} {
		lines = append(lines, m.lines(m.name)...)
		if slices.Min(m.own[0]) > 0 && slices.Min(m.own[1]) > 0 {
			lines = append(lines, ratioLine(m.name+": processor time of the program", tracesOff, "ms/pod", m.own[0], m.own[1], nil))
		}
	}
	return lines, creates, nil
}
