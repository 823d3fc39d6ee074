package load

import (
	"cmp"
	"errors"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// Options configure a load test.
type Options struct {
	// Plugin is the address of the plugin, unix:///path or http://host:port.
	Plugin string
	// Pods is the number of pods to create.
	Pods int
	// Concurrency is the number of creates, and later of deletes, that are sent at the
	// same time.
	Concurrency int
	// Rate is the maximum number of creates per second; 0 means no limit.
	Rate float64
	// Interval is the pause between two polling cycles; the default is the virtual
	// kubelet's 5 s (docs/contract.md, STATUS-2).
	Interval time.Duration
	// CallTimeout bounds the time until an answer; the default is
	// interlink.CallTimeout.
	CallTimeout time.Duration
	// Wait bounds the time until the pods end, after all are created; the default is
	// 10 minutes.
	Wait time.Duration
	// Progress is called with a line of text at each phase; it may be nil.
	Progress func(string)
}

// withDefaults returns the options with their defaults, or an error if they are invalid.
func (o Options) withDefaults() (Options, error) {
	o.Interval = cmp.Or(o.Interval, 5*time.Second)
	o.CallTimeout = cmp.Or(o.CallTimeout, interlink.CallTimeout)
	o.Wait = cmp.Or(o.Wait, 10*time.Minute)
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Pods < 1 || o.Concurrency < 1 || o.Rate < 0 {
		return o, errors.New("pods and concurrency must be at least 1, and the rate must not be negative")
	}
	return o, nil
}
