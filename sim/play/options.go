package play

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/profile"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// Options say what scenarios are played against. The zero value is this plugin, in
// this process, on a remote cluster in memory.
type Options struct {
	// Plugin is the address of a plugin, unix:///path or http://host:port. If it is
	// empty, this plugin is started in this process, on a unix socket.
	Plugin string
	// InterLink says that a real InterLink API server is at that address, in front of the
	// plugin: it then receives what InterLink's virtual kubelet sends.
	InterLink bool
	// Client is a client of the remote cluster. If it is nil, the remote cluster is in
	// memory; the remote cluster of a plugin with an address is not observed then.
	Client kubernetes.Interface
	// PlayNodes simulates the nodes of Client's cluster, which must have none.
	PlayNodes bool
	// NodeSelector selects the pods that simulated nodes play, as kubectl --selector does; the
	// default is node.PodSelector, the label of the pods that a plugin for Kubernetes offloads.
	NodeSelector string
	// Environ are environment variables that configure the plugin. For a plugin with an
	// address they only say which remote namespaces it uses.
	Environ []string
	// Speed is how many times as fast as real time the time passes at most for a plugin
	// with an address and simulated nodes; the default is 1, and other cases allow no
	// other value.
	Speed float64
	// CallTimeout limits the time of one call; the default is
	// interlink.CallTimeout, and a little more through InterLink, which gives up after that
	// time.
	CallTimeout time.Duration
	// Patience is how long pods on other clocks than the simulator's may take to end,
	// counted from the last step, and how late the states that are expected at a moment may
	// come; the default is 5 minutes and the slack of the profile.
	Patience time.Duration
	// Startup is how long to wait at the beginning while nothing listens at the plugin's
	// address; the default is not to wait.
	Startup time.Duration
	// Timeout limits the real time of one scenario; it must be longer than Patience, so
	// that a pod that never ends is reported as such. The default is 15 minutes, and more for
	// a Patience of more than 5 minutes.
	Timeout time.Duration
	// Seed decides in which order the pods are polled; the default is 1.
	Seed uint64
	// Parallel is how many scenarios are played at the same time; the default is the
	// number of processors, and for a plugin with an address what its profile says, or 8.
	Parallel int
	// Levels are the levels of the scenarios that are played; none means all.
	Levels []scenario.Level
	// Profile says how to treat a plugin with an address; nil if nothing is known of it.
	Profile *profile.Profile
	// Version of the simulator, for the report.
	Version string
	// Log receives the log of the plugin that is started here; by default it is
	// discarded.
	Log *slog.Logger
	// Started and Done, if not nil, are called before and after each scenario, from
	// many goroutines.
	Started func(name string)
	Done    func(report.Scenario)

	// sameMoment is how long after the end of a scenario a plugin that loses a call may already
	// have lost what the scenario sent; the default is defaultSameMoment. For tests.
	sameMoment time.Duration
	// lost, if not nil, is called when a scenario loses a call together with its connection.
	lost func(scenario string)
	// virtual lets no real time pass with a plugin that has an address and real nodes. For
	// tests of plugins whose time is the number of polls.
	virtual bool
	// recovery is how long a plugin may take to answer a ping after it did not answer a
	// call; the default is maxRecovery. For tests.
	recovery time.Duration
	// nodeWait is how long the virtual node may take to show a change of the remote node; the default
	// is maxNodeWait.
	nodeWait time.Duration
	// restartAfter is how long after that the profile's command restarts the plugin; the
	// default is beforeRestart. For tests.
	restartAfter time.Duration
	// intercept, if not nil, starts a server between the virtual kubelet and the plugin
	// at an address. It receives the client of the remote cluster, and returns the
	// server's address. For tests.
	intercept func(address string, remote kubernetes.Interface) (front string, stop func())
	// change, if not nil, changes the client of the remote cluster that the plugin in this
	// process gets. For tests.
	change func(kubernetes.Interface) kubernetes.Interface
	// processed, if not nil, reports whether a plugin with an address has processed a
	// version of the remote pod of a UID. For tests.
	processed func(uid, resourceVersion string) bool
}

// complete returns the options with their defaults, or an error if they contradict
// each other.
func (o Options) complete() (Options, error) {
	o.Speed = cmp.Or(o.Speed, 1)
	o.NodeSelector = cmp.Or(o.NodeSelector, node.PodSelector)
	o.CallTimeout = cmp.Or(o.CallTimeout, o.callTimeout())
	o.Patience = cmp.Or(o.Patience, defaultPatience+o.slack())
	o.Timeout = cmp.Or(o.Timeout, 15*time.Minute+2*max(0, o.Patience-defaultPatience))
	o.Seed = cmp.Or(o.Seed, 1)
	o.restartAfter = cmp.Or(o.restartAfter, beforeRestart)
	o.sameMoment = cmp.Or(o.sameMoment, defaultSameMoment)
	o.recovery = cmp.Or(o.recovery, maxRecovery)
	o.nodeWait = cmp.Or(o.nodeWait, maxNodeWait)
	o.Parallel = cmp.Or(o.Parallel, o.parallel())
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if name, unknown := o.unknownCapability(); unknown {
		return o, fmt.Errorf("profile %s declares the unknown capability %q; the capabilities are %s", o.Profile.Name, name, joined(scenario.Capabilities))
	}
	if _, err := labels.Parse(o.NodeSelector); err != nil {
		return o, fmt.Errorf("the selector of the pods that simulated nodes play: %w", err)
	}
	if o.Plugin != "" {
		kubelet, err := virtualkubelet.New(virtualkubelet.Config{Plugin: o.Plugin})
		if err != nil { // the address is no address
			return o, err
		}
		kubelet.Close()
	}
	switch {
	case o.InterLink && o.Plugin == "" && o.intercept == nil:
		return o, errors.New("InterLink needs an address")
	case o.PlayNodes && o.Client == nil:
		return o, errors.New("nodes are simulated on a remote cluster only: name its kubeconfig")
	case o.Speed <= 0:
		return o, errors.New("speed must be more than 0")
	case o.Speed != 1 && (o.Plugin == "" || !o.PlayNodes):
		return o, errors.New("speed is for a plugin with an address and simulated nodes: real nodes know only real time, and the plugin in this process needs no real time")
	case o.Plugin != "" && o.Timeout <= o.Patience:
		return o, fmt.Errorf("the timeout %s of a scenario must be longer than the patience %s: a pod that never ends would not be reported as such", o.Timeout, o.Patience)
	case o.Parallel < 1:
		return o, errors.New("parallel must be at least 1")
	}
	return o, nil
}

const (
	defaultPatience = 5 * time.Minute
	// lostNodeTime is how long a pod may be shown as it was after its simulated node was
	// lost, beyond the time that other pods take to end.
	lostNodeTime = 2 * time.Minute
	// virtualPlayTime is how long a scenario is played whose pods do not end although they
	// should, counted from its last step, by the simulator's own clock.
	virtualPlayTime = 20 * time.Minute
)

func (o Options) callTimeout() time.Duration {
	if o.InterLink {
		return interlink.CallTimeout + 10*time.Second
	}
	return interlink.CallTimeout
}

// slack is how much longer everything may take with the plugin of the profile.
func (o Options) slack() time.Duration { return o.profile().Slack.Duration }

// withSlackOf returns the options with the slack that the pods of a scenario need.
func (o Options) withSlackOf(file *scenario.File) Options {
	pods := *o.profile()
	more := pods.SlackPerPod.Duration * time.Duration(len(file.Pods))
	if more == 0 {
		return o
	}
	pods.Slack.Duration += more
	o.Profile, o.Patience, o.Timeout = &pods, o.Patience+more, o.Timeout+2*more
	return o
}

// profile returns the profile, one that says nothing if there is none.
func (o Options) profile() *profile.Profile { return cmp.Or(o.Profile, &profile.Profile{}) }

// defaultParallel is how many scenarios are played at the same time with a plugin that has
// an address: most of the time, they wait.
const defaultParallel = 8

// parallel is how many scenarios are played at the same time if the options do not say it.
func (o Options) parallel() int {
	if o.Plugin == "" {
		return runtime.GOMAXPROCS(0)
	}
	return cmp.Or(o.profile().Parallel, defaultParallel)
}

// unknownCapability returns a capability of the profile that does not exist.
func (o Options) unknownCapability() (string, bool) {
	for _, name := range o.profile().Capabilities {
		if !slices.Contains(scenario.Capabilities, scenario.Capability(name)) {
			return name, true
		}
	}
	return "", false
}

// playTime is how long pods may take to end, counted from the last step.
func (o Options) playTime() time.Duration {
	switch {
	case o.Plugin != "" && o.simulatesNodes():
		return o.Patience + lostNodeTime
	case o.Plugin != "":
		return o.Patience
	case o.simulatesNodes():
		return virtualPlayTime
	}
	return 2 * o.Patience
}

// lateness limits how long after its time a step, or the end of a scenario, waits for
// nodes that are not simulated. No verdict depends on it.
func (o Options) lateness() time.Duration { return o.Patience }

func joined[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}

// simulatesNodes reports whether the nodes of the remote cluster are simulated.
func (o Options) simulatesNodes() bool { return o.PlayNodes || o.Plugin == "" && o.Client == nil }

// remote describes the remote cluster for the report.
func (o Options) remote() string {
	switch {
	case o.Client == nil && o.Plugin != "":
		return "not observed"
	case o.Client == nil:
		return "in memory, with simulated nodes"
	case o.PlayNodes:
		return "a Kubernetes API server, with simulated nodes for the pods with " + o.NodeSelector
	}
	return "a Kubernetes cluster with its own nodes"
}
