package play

import (
	"cmp"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// Options say what is played against. The zero value is this plugin, inside the
// process, on a remote cluster in memory.
type Options struct {
	// Plugin is the address of a plugin, unix:///path or http://host:port; without
	// it this plugin is started inside the process, behind a unix socket.
	Plugin string
	// Client is of the remote cluster. Without it the remote cluster is in memory;
	// that of a plugin with an address is not looked at then.
	Client kubernetes.Interface
	// PlayNodes plays the nodes of Client's cluster, which must have none.
	PlayNodes bool
	// Environ configures the plugin that is started here, and says which remote
	// namespaces a plugin with an address uses, as environment variables do.
	Environ []string
	// Speed is how many times as fast as on the clock time passes for a plugin with
	// an address and played nodes; the default is 1. Without played nodes it is 1,
	// and a plugin that is started here needs no clock with them.
	Speed float64
	// CallTimeout is how long an answer may take; the default is InterLink's 120 s.
	CallTimeout time.Duration
	// Timeout is the real time that a scenario may take; the default is 15 minutes.
	Timeout time.Duration
	// Parallel is how many scenarios are played at once; the default is the
	// number of processors.
	Parallel int
	// Version of the simulator, for the report.
	Version string
	// Log gets the log of the plugin that is started here; nobody by default.
	Log *slog.Logger
	// Started and Done, if they are there, are told of each scenario, from many
	// goroutines.
	Started func(name string)
	Done    func(report.Scenario)

	// between puts something between the virtual kubelet and the plugin at an
	// address, and shows it the remote cluster. For tests.
	between func(address string, remote kubernetes.Interface) (front string, stop func())
}

func (o Options) complete() (Options, error) {
	o.Speed = cmp.Or(o.Speed, 1)
	o.CallTimeout = cmp.Or(o.CallTimeout, 120*time.Second)
	o.Timeout = cmp.Or(o.Timeout, 15*time.Minute)
	o.Parallel = cmp.Or(o.Parallel, runtime.GOMAXPROCS(0))
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	switch {
	case o.PlayNodes && o.Client == nil:
		return o, errors.New("nodes can be played on a cluster only: name its kubeconfig")
	case o.Speed <= 0:
		return o, errors.New("speed must be more than 0")
	case o.Speed != 1 && (o.Plugin == "" || !o.PlayNodes):
		return o, errors.New("speed is for a plugin with an address and played nodes: real nodes know real time only, and the plugin inside this process needs no clock")
	case o.Parallel < 1:
		return o, errors.New("at least one scenario must be played at a time")
	}
	return o, nil
}

// remote says what the remote cluster is, in words.
func (o Options) remote() string {
	switch {
	case o.Client == nil && o.Plugin != "":
		return "not looked at"
	case o.Client == nil:
		return "in memory, with simulated nodes"
	case o.PlayNodes:
		return "a Kubernetes API server, with simulated nodes"
	}
	return "a Kubernetes cluster with its own nodes"
}
