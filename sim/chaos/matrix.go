package chaos

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/faultproxy"
)

// MatrixOptions say which part of the matrix is played.
type MatrixOptions struct {
	// Only selects the cases whose text contains it; empty: all.
	Only string
	// Sample is the number of cases, which are chosen at random with Seed; 0: all.
	Sample int
	Seed   uint64
	// Parallel is the number of cases at a time.
	Parallel int
}

// Outcome is a case, and what it found.
type Outcome struct {
	Case
	// Reached is false if the call did not come: the case shows nothing.
	Reached  bool
	Findings []Finding
	Took     time.Duration
}

// undisturbedRuns is the number of runs without a fault. Those with more calls than others
// had to try again, because the controllers were slow with the new namespace.
const undisturbedRuns = 3

// Matrix plays the matrix. It reads the calls from creates and deletes that nothing
// disturbs.
func (c *Chaos) Matrix(ctx context.Context, options MatrixOptions) (outcomes []Outcome, size int, err error) {
	var creates, deletes []faultproxy.Call
	for n := range undisturbedRuns {
		c, d, err := c.undisturbed(ctx)
		if err != nil {
			return nil, 0, fmt.Errorf("a run without a fault: %w", err)
		}
		if n == 0 || len(c)+len(d) < len(creates)+len(deletes) {
			creates, deletes = c, d
		}
	}
	all := cases(creates, deletes)
	size = len(all)
	c.options.Log("%d calls of a create and %d of a delete: %d cases", len(creates), len(deletes), size)
	var chosen []Case
	for _, test := range all {
		if strings.Contains(test.String(), options.Only) {
			chosen = append(chosen, test)
		}
	}
	if len(chosen) == 0 {
		return nil, size, fmt.Errorf("none of the %d cases contains %q", size, options.Only)
	}
	if chosen = sample(chosen, options.Sample, options.Seed); len(chosen) < size {
		c.options.Log("%d of them are played; the seed is %d", len(chosen), options.Seed)
	}
	outcomes = make([]Outcome, len(chosen))
	var mu sync.Mutex
	done := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, options.Parallel))
	for i, test := range chosen {
		group.Go(func() error {
			start := time.Now()
			seen, err := c.play(ctx, test)
			if err != nil {
				return fmt.Errorf("%s: %w", test, err)
			}
			outcomes[i] = Outcome{Case: test, Reached: seen.reached, Findings: judge(seen), Took: time.Since(start)}
			mu.Lock()
			defer mu.Unlock()
			for _, f := range outcomes[i].Findings {
				c.options.Log("%s: %s: %s", test, f.Kind, f.Text)
			}
			if !seen.reached {
				c.options.Log("%s: the call did not come", test)
			}
			if done++; done%50 == 0 {
				c.options.Log("%d of %d cases", done, len(chosen))
			}
			return nil
		})
	}
	return outcomes, size, group.Wait()
}

// undisturbed returns the calls of a create and of a delete without a fault.
func (c *Chaos) undisturbed(ctx context.Context) (creates, deletes []faultproxy.Call, err error) {
	s, err := c.newSite()
	if err != nil {
		return nil, nil, err
	}
	r := &run{site: s, remote: c.remote}
	defer s.close() //nolint:errcheck // it removes files of a temporary folder
	if r.plugin, err = s.start(ctx, 0, false); err != nil {
		return nil, nil, err
	}
	defer r.plugin.kill()
	s.poll(ctx)
	pod, objects := fullPod(local, podName)
	r.kubelet.Apply(objects)
	if err := r.kubelet.Create(ctx, pod); err != nil {
		return nil, nil, err
	}
	r.seen.answered, r.seen.reached = true, true
	r.lookAtWhole(ctx)
	creates = in(r.namespace(local), r.plugin.takeCalls())
	if err := r.delete(ctx); err != nil {
		return nil, nil, err
	}
	time.Sleep(settle) // calls can come when everything is gone
	deletes = in(r.namespace(local), r.plugin.takeCalls())
	if found := judge(r.seen); len(found) > 0 {
		return nil, nil, fmt.Errorf("%v", found)
	}
	return creates, deletes, nil
}

// settle is how long calls are noted after everything is gone. It is shorter than the
// time after which the plugin looks whether the garbage collector has done its work:
// a run does not wait for that.
const settle = time.Second

// in returns the calls for a namespace, without watches.
func in(namespace string, calls []faultproxy.Call) []faultproxy.Call {
	var found []faultproxy.Call
	for _, call := range calls {
		if call.IsIn(namespace) && call.Verb != faultproxy.Watch {
			found = append(found, call)
		}
	}
	return found
}
