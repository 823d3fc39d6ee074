package load

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Result is the result of a load test.
type Result struct {
	Plugin      string `json:"plugin"`
	Concurrency int    `json:"concurrency"`
	// MaxRate is the limit of creates per second, 0 if there was none.
	MaxRate  float64 `json:"maxCreatesPerSecond,omitempty"`
	Duration float64 `json:"durationSeconds"`
	Pods     Pods    `json:"pods"`
	// Calls are in the order of creates, status calls and deletes.
	Calls []Calls `json:"calls"`
	// Cycles are the polling cycles. The virtual kubelet asks for one pod after the
	// other, so a status can be as old as a cycle is long (docs/contract.md, STATUS-2).
	Cycles Cycles `json:"pollingCycles"`
	// StatusAge is how old the state of a pod in the local cluster was when an answer
	// replaced it: what the user sees is up to this old. The pause between two cycles
	// counts.
	StatusAge Ages `json:"statusAge"`
	// LeftOut counts the answers that did not have a pod that was created: the user goes on
	// seeing its last state (docs/contract.md, STATUS-11).
	LeftOut LeftOut `json:"leftOut"`
}

// Ages are the ages of states that an answer replaced, in milliseconds.
type Ages struct {
	Count int       `json:"count"`
	Age   Latencies `json:"ageMilliseconds"`
}

// LeftOut are answers without the pod, and how many pods were left out at least once.
type LeftOut struct {
	Answers int `json:"answers"`
	Pods    int `json:"pods"`
}

// Pods counts the pods by their last state.
type Pods struct {
	Requested int `json:"requested"`
	Succeeded int `json:"succeeded"`
	// Failed includes the pods whose create was refused.
	Failed int `json:"failed"`
	// NotEnded counts the pods that were created and had not ended when they were
	// deleted. If Succeeded, Failed and NotEnded are fewer than Requested, the load test
	// was interrupted before it created all pods.
	NotEnded int `json:"notEnded"`
	// NotDeleted counts the pods whose delete was answered with an error.
	NotDeleted int `json:"notDeleted"`
}

// Calls holds the measurements of the calls of one kind.
type Calls struct {
	Name string `json:"name"`
	// Count is the number of calls that were sent.
	Count int `json:"count"`
	// PerSecond is the throughput of the calls that succeeded, while such calls were sent,
	// and Latency is theirs. The pauses between polling cycles do not count.
	PerSecond float64   `json:"perSecond"`
	Latency   Latencies `json:"latencyMilliseconds"`
	// ErrorCount is the number of calls that failed, Errors their texts.
	ErrorCount int     `json:"errorCount"`
	Errors     []Error `json:"errors,omitempty"`
}

// Latencies are percentiles (nearest ranks), in milliseconds.
type Latencies struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Error is the text of an error, and how often it occurred.
type Error struct {
	Message string `json:"message"`
	Count   int    `json:"count"`
}

// Cycles holds the durations of the polling cycles, in milliseconds.
type Cycles struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50Milliseconds"`
	Max   float64 `json:"maxMilliseconds"`
}

func (p *Pods) count(phase corev1.PodPhase) {
	switch phase {
	case corev1.PodSucceeded:
		p.Succeeded++
	case corev1.PodFailed:
		p.Failed++
	default:
		p.NotEnded++
	}
}

func (p *Pods) add(more Pods) {
	p.Requested += more.Requested
	p.Succeeded += more.Succeeded
	p.Failed += more.Failed
	p.NotEnded += more.NotEnded
	p.NotDeleted += more.NotDeleted
}

// Failed reports whether a pod did not succeed, or a call failed.
func (r *Result) Failed() bool {
	return r.Pods.Succeeded < r.Pods.Requested || r.Pods.NotDeleted > 0 ||
		slices.ContainsFunc(r.Calls, func(c Calls) bool { return c.ErrorCount > 0 })
}

func (m *meter) result(o Options, pods Pods, duration time.Duration) *Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &Result{
		Plugin: o.Plugin, Concurrency: o.Concurrency, MaxRate: o.Rate, Duration: duration.Seconds(), Pods: pods,
	}
	for _, name := range []string{callCreate, callStatus, callDelete} {
		c := Calls{Name: name, Count: m.counts[name], Latency: percentiles(m.latencies[name])}
		if phase := m.phases[name]; phase > 0 {
			c.PerSecond = float64(len(m.latencies[name])) / phase.Seconds()
		}
		for _, text := range slices.Sorted(maps.Keys(m.errors[name])) {
			c.Errors = append(c.Errors, Error{text, m.errors[name][text]})
			c.ErrorCount += m.errors[name][text]
		}
		slices.SortStableFunc(c.Errors, func(a, b Error) int { return cmp.Compare(b.Count, a.Count) })
		r.Calls = append(r.Calls, c)
	}
	r.StatusAge = Ages{Count: len(m.ages), Age: percentiles(m.ages)}
	for _, answers := range m.leftOut {
		r.LeftOut.Pods++
		r.LeftOut.Answers += answers
	}
	cycles := slices.Sorted(slices.Values(m.cycles))
	r.Cycles = Cycles{Count: len(cycles), P50: milliseconds(percentile(cycles, 50)), Max: milliseconds(percentile(cycles, 100))}
	return r
}

// JSON writes the result for programs.
func (r *Result) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}
