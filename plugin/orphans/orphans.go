package orphans

import (
	"context"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Options configure the search for orphans.
type Options struct {
	Scope scope.Scope
	// Grace is how long a virtual node must not have asked about a pod until the pod is
	// marked, and again until a marked pod is deleted. Objects without a pod are deleted
	// when they have been found for a grace.
	Grace time.Duration
	// InFlight is how long a create takes at most: no object without a pod is deleted before
	// that, also if the grace is shorter.
	InFlight time.Duration
	// FinishedTTL is how long pods that have ended are kept at least; 0 keeps them.
	FinishedTTL time.Duration
	// Report marks and reports orphans, and deletes none.
	Report bool
	// Tunnels are the TCP tunnels of pods; nil if ports are not exposed.
	Tunnels Tunnels
	// Lock is the Lease of the one replica that marks and deletes.
	Lock resourcelock.Interface
	// Now is the wall clock; nil for that of the system. Everything that is measured
	// within this process uses the monotonic clock.
	Now func() time.Time
	Log *slog.Logger
}

// objectGrace is how long an object must have had no pod. If the grace is shorter than a create,
// the object may be that of a create in flight: the pod comes after its claims, and the marker of
// a stored request after its Secret.
func (o *Options) objectGrace() time.Duration { return max(o.Grace, o.InFlight) }

const (
	// checkEvery and sweepEvery are the pauses between two looks for pods and for
	// objects. With a short grace they are shorter.
	checkEvery = time.Minute
	sweepEvery = 10 * time.Minute
	// shortestPause limits both.
	shortestPause = time.Second
	// callTimeout limits the calls for one pod or object.
	callTimeout = 30 * time.Second
)

// Orphans searches for orphans. Its methods are safe for concurrent use. The methods that
// are called from requests and from the watch return at once.
type Orphans struct {
	cluster  Cluster
	options  Options
	log      *slog.Logger
	evidence *evidence
	unmarks  chan *trackedPod
	looks    looks
	counts   counts
}

// New returns an Orphans that does nothing until [Orphans.Run].
func New(cluster Cluster, options Options) *Orphans {
	if options.Now == nil {
		options.Now = func() time.Time { return time.Now().Round(0) }
	}
	return &Orphans{
		cluster: cluster, options: options, log: options.Log,
		evidence: newEvidence(options.Grace),
		unmarks:  make(chan *trackedPod, maxUnmarks),
	}
}

// Asked records that virtual nodes ask about these pods. The field Spec.NodeName of a pod
// is its virtual node.
func (o *Orphans) Asked(pods []corev1.Pod) {
	o.enqueueUnmarks(o.evidence.asked(pods, time.Now()))
}

// Mentioned records that a local pod exists, from another request than a status request.
func (o *Orphans) Mentioned(uid string) {
	o.enqueueUnmarks(o.evidence.mentioned(uid))
}

// HandlePodChange records the state of a remote pod. It does not modify the pod.
func (o *Orphans) HandlePodChange(pod *corev1.Pod) {
	if o.isOwn(pod) {
		o.evidence.changed(pod)
	}
}

// HandlePodGone records that a remote pod does not exist any more.
func (o *Orphans) HandlePodGone(pod *corev1.Pod) { o.evidence.gone(pod.UID) }

// isOwn reports whether this installation of the plugin created a pod.
func (o *Orphans) isOwn(pod *corev1.Pod) bool {
	return pod.Labels[wire.LabelInstance] == o.options.Scope.Instance
}

// Run removes the marks of pods that are asked about. While this replica holds the Lease,
// it also searches for orphans. It returns soon after ctx is done.
func (o *Orphans) Run(ctx context.Context) {
	var running sync.WaitGroup
	for range unmarkWorkers {
		running.Go(func() { o.removeMarks(ctx) })
	}
	running.Go(func() { o.lead(ctx, o.search) })
	running.Wait()
}

// search searches for orphans until ctx is done.
func (o *Orphans) search(ctx context.Context) {
	o.looks.forget()
	check := time.NewTicker(pause(checkEvery, o.options.Grace/60))
	sweep := time.NewTicker(pause(sweepEvery, o.options.Grace/4))
	defer check.Stop()
	defer sweep.Stop()
	swept := o.sweep(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-check.C:
			o.checkPods(ctx)
			if !swept { // the pod cache was not filled yet
				swept = o.sweep(ctx)
			}
		case <-sweep.C:
			o.sweep(ctx)
		}
	}
}

// pause returns the pause between two looks: the usual one, or a shorter one for a short
// grace.
func pause(usual, short time.Duration) time.Duration {
	return max(shortestPause, min(usual, short))
}
