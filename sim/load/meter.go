package load

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// maxKinds bounds how many kinds of error are told apart.
const maxKinds = 10

// meter takes the measures while the load runs.
type meter struct {
	mu     sync.Mutex
	took   map[string][]time.Duration // by call
	errors map[string]map[string]int  // by call, then words
	phases map[string]time.Duration   // how long all calls of a kind took together
	rounds []time.Duration
	first  map[string]time.Time
	last   map[string]time.Time
}

func newMeter() *meter {
	return &meter{
		took: map[string][]time.Duration{}, errors: map[string]map[string]int{}, phases: map[string]time.Duration{},
		first: map[string]time.Time{}, last: map[string]time.Time{},
	}
}

func (m *meter) observe(call virtualkubelet.Call) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.took[call.Name] = append(m.took[call.Name], call.Took)
	if m.first[call.Name].IsZero() {
		m.first[call.Name] = now.Add(-call.Took)
	}
	m.last[call.Name] = now
}

// phase measures how long the calls of a kind take from the first to the last.
func (m *meter) phase(call string, run func()) {
	began := time.Now()
	run()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.phases[call] = time.Since(began)
}

func (m *meter) round(took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rounds = append(m.rounds, took)
}

// fail counts an error by its words, without what is a pod's own.
func (m *meter) fail(call string, err error, own ...string) {
	words := said(err)
	for _, text := range own {
		if text != "" {
			words = strings.ReplaceAll(words, text, "<pod>")
		}
	}
	const readable = 200
	if words = strings.Join(strings.Fields(words), " "); len(words) > readable {
		words = strings.ToValidUTF8(words[:readable], "") + "..."
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	kinds := m.errors[call]
	if kinds == nil {
		kinds = map[string]int{}
		m.errors[call] = kinds
	}
	if _, known := kinds[words]; !known && len(kinds) >= maxKinds-1 {
		words = "other errors"
	}
	kinds[words]++
}

// failAll counts each of the errors that a round of polling has joined.
func (m *meter) failAll(call string, err error) {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, err := range joined.Unwrap() {
			m.failAll(call, err)
		}
		return
	}
	if err != nil {
		m.fail(call, err)
	}
}

// said is what went wrong, without the pod's name where it can be left out.
func said(err error) string {
	var refusal *virtualkubelet.Refusal
	var frozen *virtualkubelet.Frozen
	var panicked *virtualkubelet.Panic
	switch {
	case errors.As(err, &refusal) && refusal.Status == 0:
		return "no answer: " + refusal.Body
	case errors.As(err, &refusal):
		return fmt.Sprintf("answered %d: %s", refusal.Status, refusal.Body)
	case errors.As(err, &frozen):
		return frozen.Words
	case errors.As(err, &panicked):
		return "the virtual kubelet panics: " + panicked.Words
	}
	return err.Error()
}

// percentile is the smallest measure that so many per cent do not exceed: the
// nearest rank of sorted measures.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*percent + 99) / 100
	return sorted[min(max(rank, 1), len(sorted))-1]
}

func latencies(took []time.Duration) Latencies {
	sorted := slices.Sorted(slices.Values(took))
	ms := func(percent int) float64 { return milliseconds(percentile(sorted, percent)) }
	return Latencies{P50: ms(50), P90: ms(90), P95: ms(95), P99: ms(99), Max: ms(100)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
