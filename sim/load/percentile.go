package load

import (
	"slices"
	"time"
)

// percentile returns the smallest duration that at least percent of the sorted
// durations do not exceed (the nearest rank), 0 if there are none.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*percent + 99) / 100
	return sorted[min(max(rank, 1), len(sorted))-1]
}

func percentiles(durations []time.Duration) Latencies {
	sorted := slices.Sorted(slices.Values(durations))
	p := func(percent int) float64 { return milliseconds(percentile(sorted, percent)) }
	return Latencies{P50: p(50), P90: p(90), P95: p(95), P99: p(99), Max: p(100)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
