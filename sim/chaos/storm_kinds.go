package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/ptr"
)

const (
	// killPause is the time between two kills.
	killPause = 2 * time.Second
	// callsPerSecond is how many calls InterLink sends while the plugin is killed again
	// and again.
	callsPerSecond = 15
	// burstConfigMaps is the number of ConfigMaps of each pod of a burst.
	burstConfigMaps = 6
	// stormGrace is longer than a cycle of status calls for all pods of a storm.
	stormGrace = 20 * time.Second
	// stormCreates is how long a create of a storm with kills may take. The search for orphans keeps
	// objects for as long.
	stormCreates = 40 * time.Second
	// callsAtOnce is the number of calls of InterLink at a time, apart from a burst.
	callsAtOnce = 16
)

// duplicates sends one create many times at once. All answers have the same job ID, and
// there is one remote pod.
func (s *storm) duplicates(ctx context.Context, count int) error {
	plugin, err := s.start(ctx, 0, false, graceFlag(stormGrace))
	if err != nil {
		return err
	}
	s.poll(ctx)
	s.makePods(1)
	p := s.pods[0]
	errs := make(chan error, count)
	go func() { errs <- s.kubelet.Create(ctx, p.Pod) }()
	for s.kubelet.Pod(p.Name) == nil { // the local cluster has it before the create is sent
		time.Sleep(time.Millisecond)
	}
	for range count - 1 {
		go func() { errs <- s.kubelet.CreateAgain(ctx, p.Name) }()
	}
	for range count {
		if err := <-errs; err != nil {
			s.add(WrongID, "%v", err)
		}
	}
	s.checkWhole(ctx)
	if !s.deletes(ctx, p) {
		s.add(Otherwise, "the delete fails")
	}
	return errors.Join(s.checkLeft(ctx), plugin.end())
}

// kills kills the plugin again and again. InterLink sends each create and each delete
// once, also if it is not answered.
func (s *storm) kills(ctx context.Context, count int) error {
	plugin, err := s.start(ctx, 0, false, graceFlag(stormGrace), createFlag(stormCreates))
	if err != nil {
		return err
	}
	s.poll(ctx)
	s.makePods(count)
	if err := s.keep(ctx); err != nil {
		return err
	}
	var lost [2]int64
	kills := 0
	for phase, call := range []func(context.Context, *stormPod) bool{s.creates, s.deletes} {
		stop := make(chan struct{})
		var killer sync.WaitGroup
		var failed error
		killer.Go(func() {
			for failed == nil {
				select {
				case <-time.After(killPause):
					kills++
					plugin.kill()
					failed = plugin.restart(ctx)
				case <-stop:
					return
				}
			}
		})
		lost[phase] = s.each(callsAtOnce, callsPerSecond, func(p *stormPod) bool { return call(ctx, p) })
		close(stop)
		if killer.Wait(); failed != nil {
			return failed
		}
		s.checkWhole(ctx)
	}
	s.summary = fmt.Sprintf("%d kills; %d creates and %d deletes were not answered", kills, lost[0], lost[1])
	return errors.Join(s.checkLeft(ctx), plugin.end())
}

// keep creates a pod that is kept: InterLink goes on asking about pods of the virtual
// node, so that the plugin can tell which ones it does not ask about.
func (s *storm) keep(ctx context.Context) error {
	p := withConfigMaps(localOf(0), "kept", 2)
	p.kept = true
	s.pods = append(s.pods, p)
	if err := s.kubelet.Create(ctx, p.Pod); err != nil {
		return fmt.Errorf("create the pod that is kept: %w", err)
	}
	p.made = true
	return nil
}

// replicas kills one of two replicas during the creates, and the other one during the
// deletes.
func (s *storm) replicas(ctx context.Context, count int) error {
	var plugins [2]*instance
	for n := range plugins {
		var err error
		if plugins[n], err = s.start(ctx, n+1, false, graceFlag(stormGrace), createFlag(stormCreates)); err != nil {
			return err
		}
	}
	address, err := startBalancer(s.socket(0), plugins[:]...)
	if err != nil {
		return err
	}
	s.poll(ctx)
	s.makePods(count)
	for n, p := range s.pods {
		p.kept = n%9 == 1 && n%4 != 0 // these have no claim: see makePods
	}
	var lost [2]int64
	for phase, call := range []func(context.Context, *stormPod) bool{s.creates, s.deletes} {
		killed, other := plugins[phase], plugins[1-phase]
		var calls atomic.Int64
		lost[phase] = s.each(callsAtOnce, rate.Inf, func(p *stormPod) bool {
			if calls.Add(1) == int64(count/3) {
				killed.kill()
				address.use(other)
			}
			return call(ctx, p)
		})
		s.checkWhole(ctx)
		if err := killed.restart(ctx); err != nil {
			return err
		}
		address.use(plugins[:]...)
	}
	s.summary = fmt.Sprintf("%d creates and %d deletes were not answered", lost[0], lost[1])
	return errors.Join(s.checkLeft(ctx), plugins[0].end(), plugins[1].end(), address.server.Close())
}

// burst sends many creates at once, and then many deletes at once.
func (s *storm) burst(ctx context.Context, count int) error {
	plugin, err := s.start(ctx, 0, false, graceFlag(stormGrace))
	if err != nil {
		return err
	}
	s.poll(ctx)
	s.makePods(0)
	for n := range count {
		p := withConfigMaps(localOf(n), fmt.Sprintf("pod-%d", n), burstConfigMaps)
		p.Spec.TerminationGracePeriodSeconds = ptr.To[int64](0)
		s.pods = append(s.pods, p)
	}
	start := time.Now()
	failed := s.each(count, rate.Inf, func(p *stormPod) bool { return s.creates(ctx, p) })
	s.summary = fmt.Sprintf("the last create was answered after %s; %d failed", time.Since(start).Round(time.Second), failed)
	s.checkWhole(ctx)
	if lost := s.each(count, rate.Inf, func(p *stormPod) bool { return s.deletes(ctx, p) }); lost > 0 {
		s.add(Otherwise, "%d deletes fail", lost)
	}
	return errors.Join(s.checkLeft(ctx), plugin.end())
}
