package load

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// maxErrorTexts is the maximum number of different error texts of one call. All
// further texts count as "other errors".
const maxErrorTexts = 10

// maxErrorLength is the maximum length of an error text in bytes.
const maxErrorLength = 200

// meter collects the measurements of a load test. It is safe for concurrent use.
type meter struct {
	mu        sync.Mutex
	counts    map[string]int             // of calls that were sent, by call
	latencies map[string][]time.Duration // of calls that succeeded, by call
	errors    map[string]map[string]int  // the number by call and text
	phases    map[string]time.Duration   // the time in which calls of a kind were sent
	cycles    []time.Duration            // the durations of polling cycles
	ages      []time.Duration            // of states in the local cluster when they were replaced
	leftOut   map[types.UID]int          // the number of answers without a pod that was created
}

func newMeter() *meter {
	return &meter{counts: map[string]int{}, latencies: map[string][]time.Duration{}, errors: map[string]map[string]int{}, phases: map[string]time.Duration{}, leftOut: map[types.UID]int{}}
}

// add adds the measurements of another meter, which is not used any more.
func (m *meter) add(other *meter) {
	for call, n := range other.counts {
		m.counts[call] += n
	}
	for call, latencies := range other.latencies {
		m.latencies[call] = append(m.latencies[call], latencies...)
	}
	for call, texts := range other.errors {
		for text, n := range texts {
			m.addErrors(call, text, n)
		}
	}
	for call, phase := range other.phases {
		m.phases[call] += phase
	}
	for pod, n := range other.leftOut {
		m.leftOut[pod] += n
	}
	m.cycles = append(m.cycles, other.cycles...)
	m.ages = append(m.ages, other.ages...)
}

// observe counts a call. Only one that succeeded has a latency: a plugin that refuses at
// once is not a fast one.
func (m *meter) observe(call virtualkubelet.Call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[call.Name]++
	if call.Err != nil || call.Status < 200 || call.Status > 299 {
		return
	}
	m.latencies[call.Name] = append(m.latencies[call.Name], call.Duration)
}

// measure runs a function that sends calls of one kind, and returns its duration.
func (m *meter) measure(call string, run func()) time.Duration {
	start := time.Now()
	run()
	duration := time.Since(start)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.phases[call] += duration
	return duration
}

func (m *meter) addCycle(duration time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cycles = append(m.cycles, duration)
}

func (m *meter) addAge(age time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ages = append(m.ages, age)
}

func (m *meter) countLeftOut(pod types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leftOut[pod]++
}

func (m *meter) countError(call, text string) {
	if text = strings.Join(strings.Fields(text), " "); len(text) > maxErrorLength {
		text = strings.ToValidUTF8(text[:maxErrorLength], "") + "..."
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addErrors(call, text, 1)
}

func (m *meter) addErrors(call, text string, n int) {
	texts := m.errors[call]
	if texts == nil {
		texts = map[string]int{}
		m.errors[call] = texts
	}
	if _, known := texts[text]; !known && len(texts) >= maxErrorTexts-1 {
		text = "other errors"
	}
	texts[text] += n
}

// errorText returns what went wrong, without the parts of the error that name the pod.
func errorText(err error) string {
	var refusal *virtualkubelet.Refusal
	var wrong *virtualkubelet.WrongPodUID
	var stale *virtualkubelet.StaleStatus
	var panicked *virtualkubelet.Panic
	switch {
	case errors.As(err, &refusal) && refusal.Status == 0:
		return "no answer: " + refusal.Body
	case errors.As(err, &refusal):
		return fmt.Sprintf("answered %d: %s", refusal.Status, refusal.Body)
	case errors.As(err, &wrong):
		return "the answer has another PodUID"
	case errors.As(err, &stale):
		return stale.Reason
	case errors.As(err, &panicked):
		return "the virtual kubelet panics: " + panicked.Reason
	}
	return err.Error()
}
