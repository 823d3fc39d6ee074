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
	spent  map[string]time.Duration   // while calls of a kind were made
	rounds []time.Duration
}

func newMeter() *meter {
	return &meter{took: map[string][]time.Duration{}, errors: map[string]map[string]int{}, spent: map[string]time.Duration{}}
}

func (m *meter) observe(call virtualkubelet.Call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.took[call.Name] = append(m.took[call.Name], call.Duration)
}

// phase measures the time in which calls of a kind are made.
func (m *meter) phase(call string, run func()) time.Duration {
	began := time.Now()
	run()
	took := time.Since(began)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spent[call] += took
	return took
}

func (m *meter) round(took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rounds = append(m.rounds, took)
}

// fail counts an error by its words.
func (m *meter) fail(call, words string) {
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

// said is what went wrong, without the words around it that name the pod.
func said(err error) string {
	var refusal *virtualkubelet.Refusal
	var stale *virtualkubelet.StaleStatus
	var panicked *virtualkubelet.Panic
	switch {
	case errors.As(err, &refusal) && refusal.Status == 0:
		return "no answer: " + refusal.Body
	case errors.As(err, &refusal):
		return fmt.Sprintf("answered %d: %s", refusal.Status, refusal.Body)
	case errors.As(err, &stale):
		return stale.Reason
	case errors.As(err, &panicked):
		return "the virtual kubelet panics: " + panicked.Reason
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
