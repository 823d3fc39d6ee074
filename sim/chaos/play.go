package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/faultproxy"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// The local namespace and the name of the pod of each run, and those of another pod of
// the virtual node, which InterLink goes on asking about.
const (
	local, podName          = "demo", "pod"
	witnessLocal, witnessed = "others", "witness"
)

// A run plays one case.
type run struct {
	Case
	*site
	plugin    *instance
	remote    *recorder
	seen      observation
	killed    chan struct{}      // closed when the plugin is killed
	reached   atomic.Bool        // the fault has happened
	recovered bool               // the plugin was started again after a kill
	creates   context.CancelFunc // ends the create, as a virtual kubelet that is restarted does
}

// play plays a case and returns what was seen.
func (c *Chaos) play(ctx context.Context, test Case) (_ observation, err error) {
	s, err := c.newSite()
	if err != nil {
		return observation{}, err
	}
	r := &run{Case: test, site: s, remote: c.remote, seen: observation{Case: test}, killed: make(chan struct{})}
	defer func() { err = errors.Join(err, s.close()) }()
	var flags []string
	if test.kills() { // otherwise nothing is left to the search for orphans, and a call can take longer than the grace
		flags = append(flags, graceFlag(5*time.Second), createFlag(20*time.Second))
	}
	if r.plugin, err = s.start(ctx, 0, test.HTTP1, flags...); err != nil {
		return observation{}, err
	}
	s.poll(ctx)
	if err := r.play(ctx); err != nil {
		return observation{}, errors.Join(err, r.plugin.end())
	}
	s.stop()
	if err := r.plugin.end(); err != nil {
		r.other("%v", err)
	}
	r.seen.other = append(r.seen.other, s.vkPanics()...)
	r.seen.reached = r.reached.Load()
	if len(judge(r.seen)) > 0 {
		c.keepLog(test, r.plugin.log)
	}
	return r.seen, ctx.Err()
}

func (r *run) other(format string, args ...any) {
	r.seen.other = append(r.seen.other, fmt.Sprintf(format, args...))
}

func (r *run) play(ctx context.Context) error {
	pod, objects := fullPod(local, podName)
	r.kubelet.Apply(objects)
	if r.kills() { // the room of the orphans needs to see that InterLink asks about other pods
		if err := r.kubelet.Create(ctx, plainPod(witnessLocal, witnessed)); err != nil {
			return fmt.Errorf("create the other pod: %w", err)
		}
	}
	if !r.Deleting {
		r.arm()
	}
	create, cancel := context.WithCancel(ctx)
	defer cancel()
	r.creates = cancel
	err := r.kubelet.Create(create, pod)
	if err := r.recover(ctx); err != nil {
		return err
	}
	if r.reached.Load() && r.Then == thenAgain {
		err = r.kubelet.Restart(ctx)
	}
	r.seen.answered = err == nil
	refusal := (*virtualkubelet.Refusal)(nil)
	switch {
	case errors.As(err, &refusal):
		r.seen.refusal = refusal.Body
	case errors.As(err, new(*virtualkubelet.OtherJobID)), errors.As(err, new(*virtualkubelet.WrongPodUID)):
		r.seen.answered, r.seen.wrongID = true, err.Error()
	case err != nil:
		r.seen.forgotten = r.reached.Load() && r.Then == thenForgotten
		r.seen.refusal = err.Error()
	}
	if r.seen.answered {
		r.lookAtWhole(ctx)
	} else if !r.kills() {
		// What a failed create has made goes without a delete.
		if !r.chaos.eventually(ctx, func() bool { return len(r.remote.left(r.namespace(local))) == 0 }) {
			r.other("the failed create leaves %v until its delete", r.remote.left(r.namespace(local)))
		}
	}
	r.seen.phases = r.kubelet.Phases(podName)
	if r.Deleting {
		r.arm()
	}
	return r.delete(ctx)
}

// lookAtWhole waits until the pod runs with all that it needs.
func (r *run) lookAtWhole(ctx context.Context) {
	uid := r.kubelet.Pod(podName).UID
	r.chaos.eventually(ctx, func() bool {
		status := r.kubelet.Status(podName)
		r.seen.runs = status.Phase == corev1.PodRunning
		r.seen.missing = r.missing()
		return r.seen.runs && len(r.seen.missing) == 0 || status.Phase == corev1.PodFailed || status.Phase == corev1.PodSucceeded
	})
	if remote := r.remote.pod(r.namespace(local), uid); remote != nil {
		r.seen.remoteName = remote.Name
	}
	r.seen.jobID = r.kubelet.Pod(podName).Annotations[wire.AnnotationJobID]
	r.seen.early = r.remote.startedEarly(uid)
}

// missing returns what a whole pod has and this one does not have. Too much counts, too.
func (r *run) missing() []string {
	var missing []string
	counts, objects := map[string]int{}, r.remote.objects(r.namespace(local))
	owner := r.remote.pod(r.namespace(local), r.kubelet.Pod(podName).UID)
	for name, object := range objects {
		kind, _, _ := strings.Cut(name, "/")
		counts[kind]++
		if slices.Contains([]string{"configmaps", "secrets", "services"}, kind) && owner != nil {
			if owners := object.GetOwnerReferences(); len(owners) != 1 || owners[0].UID != owner.UID {
				missing = append(missing, "the pod as owner of "+name)
			}
		}
	}
	for _, kind := range kinds {
		if counts[kind] != wholePod[kind] {
			missing = append(missing, fmt.Sprintf("%d %s, want %d", counts[kind], kind, wholePod[kind]))
		}
	}
	return missing
}

// delete deletes the pod as InterLink does, and waits until nothing is left.
func (r *run) delete(ctx context.Context) error {
	uid := r.kubelet.Pod(podName).UID
	var err error
	if r.Then == thenForgotten {
		err = r.kubelet.DeleteUnreported(podName)
	} else {
		err = r.kubelet.Delete(ctx, podName)
	}
	if err != nil && !r.kills() { // InterLink only logs it
		r.other("the delete fails: %v", err)
	}
	err = nil
	gone := r.chaos.eventually(ctx, func() bool {
		err = r.recover(ctx) // from a kill during the delete, at any moment
		return err != nil || len(r.remote.left(r.namespace(local))) == 0
	})
	r.plugin.proxy.SetRules()
	if err == nil {
		err = r.recover(ctx)
	}
	if err != nil {
		return err
	}
	r.seen.left, err = r.remote.finallyLeft(ctx, r.namespace(local), !gone)
	r.seen.remotePods, r.seen.ranPods = r.remote.remotePods(uid)
	return err
}

// arm lets the call of the case fail.
func (r *run) arm() {
	verb, resource, _ := strings.Cut(r.Call, " ")
	rule := faultproxy.Rule{Verb: verb, Resource: resource, Namespace: r.namespace(local), First: r.Nth, Last: r.Nth}
	name := r.Fault
	switch r.Fault {
	case killBefore:
		name = "stall"
	case killAfter:
		name = "stall-answer"
	}
	rule.Fault, _ = faultproxy.FaultByName(name) // it is in the table
	rule.Hook = func(faultproxy.Call) {
		if r.kills() {
			r.plugin.freeze() // it must not see that its caller has gone
		}
		r.reached.Store(true)
		if r.kills() {
			if r.Then == thenAgain || r.Then == thenForgotten {
				r.creates()
			}
			r.plugin.kill()
			close(r.killed)
		}
	}
	r.plugin.proxy.SetRules(rule)
}

// recover starts the plugin again if it was killed.
func (r *run) recover(ctx context.Context) error {
	if !r.kills() || !r.reached.Load() || r.recovered {
		return nil
	}
	r.recovered = true
	<-r.killed
	r.plugin.proxy.SetRules()
	return r.plugin.restart(ctx)
}

// keepLog keeps the log of a run that found something.
func (c *Chaos) keepLog(test Case, log string) {
	if c.options.LogDir == "" {
		return
	}
	name := strings.NewReplacer(" ", "_", "/", "-", ",", "", "#", "").Replace(test.String()) + ".log"
	text, err := os.ReadFile(log)
	if err == nil {
		err = os.WriteFile(filepath.Join(c.options.LogDir, name), text, 0o600)
	}
	if err != nil {
		c.options.Log("keep the log of a run: %v", err)
	}
}
