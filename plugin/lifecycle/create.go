package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/backoff"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Create creates the remote objects of a local pod and returns the name of the remote
// pod as job ID. If the remote pod exists already, Create creates only what is missing
// of the objects that the pod needs; it does not change a pod that has started
// (docs/contract.md, CREATE-8). It retries transient failures until the create timeout.
// After a failure it deletes the pod that this call created, and with it all that the
// pod owns. The kind of the error says why it failed: Invalid, Refused, Exists (an
// object of the same name that is not the plugin's), NotFound (the configured single
// namespace does not exist), OverQuota, Unavailable or Canceled.
//
// A pod that only a full quota refuses may wait instead: see [WaitingPods]. A refusal of a pod
// that its controller would replace at once is returned late (late_refusals.go).
func (l *Lifecycle) Create(ctx context.Context, request *wire.CreateRequest) (wire.CreateResponse, error) {
	l.mentioned(string(request.Pod.UID))
	own := *request // the caller's does not change
	own.Original = nil
	request = &own
	jid, err := l.createFor(ctx, request, nil)
	if err != nil {
		return wire.CreateResponse{}, err
	}
	return wire.CreateResponse{PodUID: string(request.Pod.UID), PodJID: jid}, nil
}

// createFor creates the remote objects of a local pod. commit is called last; it is nil for
// a create of InterLink, whose request is not stored.
func (l *Lifecycle) createFor(ctx context.Context, request *wire.CreateRequest, commit func(context.Context) error) (jid string, err error) {
	pod := &request.Pod
	log := l.podLogger(ctx, pod)

	ctx, done, err := l.inFlight.addCreate(ctx, string(pod.UID))
	if err != nil {
		return "", fmt.Errorf("create pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	ctx, cancel := context.WithTimeout(withNotYetBudget(backoff.WithObserver(ctx, l.counters.addRetry)), l.options.CreateTimeout)
	end := func() { cancel(); done() }

	ended := l.counters.addCreate()
	jid, err = l.create(ctx, request, commit, log)
	ended()
	if err != nil {
		err = l.createError(ctx, err)
		if commit == nil || !errdefs.Is(err, errdefs.OverQuota) {
			log.Warn("create failed", "error", err)
		}
		failure := fmt.Errorf("create pod %s/%s: %w", pod.Namespace, pod.Name, err)
		if isRefusal(err) && (commit == nil || !errdefs.Is(err, errdefs.OverQuota)) {
			l.counters.addRefusal(err)
		}
		if commit == nil && isRefusal(err) {
			if delay := l.refusalDelay(pod, log); delay > 0 {
				return "", &LateError{error: failure, wait: func() { defer end(); l.waitToRefuse(ctx, delay) }}
			}
		}
		end()
		return "", failure
	}
	end()
	l.refusals.forget(pod)
	return jid, nil
}

// createError returns the reason why a create failed. The end of its context is
// preferred to the error of the call that the context interrupted.
func (l *Lifecycle) createError(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errDeleted):
		return errDeleted
	case errors.Is(cause, context.DeadlineExceeded):
		return errdefs.New(errdefs.Unavailable, "not done within %s: %w", l.options.CreateTimeout, err)
	}
	return err
}

func (l *Lifecycle) create(ctx context.Context, request *wire.CreateRequest, commit func(context.Context) error, log *slog.Logger) (jid string, err error) {
	pod := &request.Pod
	unlock, err := l.podLocks.lock(ctx, string(pod.UID))
	if err != nil {
		return "", err
	}
	defer unlock()
	if commit == nil && l.waits(pod) {
		log.Info("the pod waits for a quota already")
		return l.options.Translate.Scope.Name(pod.Name, string(pod.UID)), nil
	}

	site := l.Site() // all of this create sees one site
	existing, err := l.findExisting(ctx, pod)
	if err != nil {
		return "", site.explain(err)
	}
	if existing != nil {
		complete, err := l.isComplete(ctx, existing, pod, &site)
		if err != nil {
			return "", err
		}
		if complete {
			l.cancelPendingRollbacks(string(pod.UID))
			log.Info("the remote pod exists already", "remote", existing.Namespace+"/"+existing.Name)
			if commit != nil {
				err = commit(ctx)
			}
			return existing.Name, err
		}
		log.Info("the remote pod exists already, but not everything that it needs", "remote", existing.Namespace+"/"+existing.Name)
	}

	if existing == nil && commit == nil {
		if site, err = l.afterMaintenance(ctx, pod, log); err != nil {
			return "", err
		}
	}
	if commit == nil {
		if err := l.addOriginal(ctx, request, &site, log); err != nil {
			return "", err
		}
	}
	attempt := &createAttempt{
		lifecycle: l, site: site, request: request, stored: commit != nil,
		id: string(uuid.NewUUID()), uid: string(pod.UID), log: log, pod: existing,
	}
	if err := attempt.translate(l.isOwnNamespace(l.remoteNamespace(pod))); err != nil {
		return "", err
	}
	logWarnings(log, attempt.objects.Warnings)
	l.counters.addWarnings(attempt.objects.WarningKinds)
	end, err := l.begin(ctx, pod.Namespace)
	if err != nil {
		return "", err
	}
	defer end()

	if err = attempt.run(ctx); err != nil {
		if commit != nil && errdefs.Is(err, errdefs.OverQuota) {
			attempt.mayHaveCreatedClaims.Store(false) // the next try uses them; a delete releases them
		}
		attempt.rollback(ctx)
		if commit != nil {
			return "", err
		}
		return l.letWait(ctx, request, err)
	}
	l.cancelPendingRollbacks(string(pod.UID))
	log.Info("created", "remote", attempt.pod.Namespace+"/"+attempt.pod.Name)
	if commit != nil {
		err = commit(ctx)
	}
	return attempt.pod.Name, err
}

// maxLoggedWarnings is how many warnings of a pod are logged: users decide how many there are.
const maxLoggedWarnings = 20

func logWarnings(log *slog.Logger, warnings []string) {
	for i, warning := range warnings {
		if i == maxLoggedWarnings {
			log.Warn(fmt.Sprintf("and %d more parts of the pod are not offloaded", len(warnings)-i))
			return
		}
		log.Warn("a part of the pod is not offloaded", "warning", warning)
	}
}

// begin waits until a create may begin: the creates of all local namespaces take turns.
// A create that cannot begin while a fifth of the create timeout is left fails, before it
// has created anything.
func (l *Lifecycle) begin(ctx context.Context, namespace string) (end func(), err error) {
	within := l.waitLimit()
	ctx, cancel := context.WithDeadlineCause(ctx, l.waitsUntil(ctx), errdefs.New(errdefs.Unavailable,
		"too many pods at once: the create could not begin within %s", within))
	defer cancel()
	return l.creates.Acquire(ctx, namespace)
}

// waitLimit is how long a create may take until it begins, of the create timeout.
func (l *Lifecycle) waitLimit() time.Duration { return l.options.CreateTimeout / 5 * 4 }

// waitsUntil returns when a create that has not begun by then fails.
func (l *Lifecycle) waitsUntil(ctx context.Context) time.Time {
	deadline, _ := ctx.Deadline() // createFor has set it
	return deadline.Add(l.waitLimit() - l.options.CreateTimeout)
}

// findExisting returns the remote pod of a local pod that is about to be created, or nil
// if there is none. It waits until a pod of an earlier, failed create is gone. It marks a
// pod that has not started, so that the rollback of the create that made it keeps it.
func (l *Lifecycle) findExisting(ctx context.Context, pod *corev1.Pod) (existing *corev1.Pod, err error) {
	asked := false
	err = retry(ctx, func(ctx context.Context) (err error) {
		synced := l.cluster.Synced() // before the look into the cache, which can be filled at any moment
		existing = l.cluster.CachedPod(string(pod.UID))
		switch {
		case existing != nil && podstate.HasStarted(existing):
			return nil
		case existing != nil: // or was, when the cache heard of it last
			existing, err = l.find(ctx, existing.Namespace, existing.Name, string(pod.UID))
		case !synced && !asked:
			existing, err = l.findByName(ctx, pod)
			asked = err == nil
		}
		switch {
		case err != nil:
			return err
		case existing != nil:
			return l.mark(ctx, existing)
		case !synced: // a pod of the Python plugin has another name, and only the cache finds it
			return errdefs.New(errdefs.Unavailable, "the pod cache is not filled yet")
		}
		return nil
	})
	return existing, err
}

// mark writes on a pod that this create has found that a create of this pod completes it.
// The error is of kind Unavailable if the pod goes away, and a later try may not find it.
func (l *Lifecycle) mark(ctx context.Context, pod *corev1.Pod) error {
	if err := checkNotLeaving(pod); err != nil {
		return err
	}
	if podstate.HasStarted(pod) || isOfEarlierVersion(pod) || pod.Annotations[wire.AnnotationCreatedAgain] != "" {
		return nil
	}
	err := l.cluster.AnnotatePod(ctx, pod, wire.AnnotationCreatedAgain, "true")
	if errdefs.Is(err, errdefs.NotFound) {
		return errdefs.Wrap(errdefs.Unavailable, err)
	}
	return err
}

// checkNotLeaving returns an error of kind Unavailable if a pod is being deleted and has
// never started: an earlier create of this pod failed.
func checkNotLeaving(pod *corev1.Pod) error {
	if pod.DeletionTimestamp != nil && !podstate.HasStarted(pod) {
		return errdefs.New(errdefs.Unavailable, "pod %s/%s of an earlier create is still being deleted", pod.Namespace, pod.Name)
	}
	return nil
}

// isComplete reports whether everything that a remote pod needs exists. If a container
// of the pod has started, everything existed then. Earlier versions created the pod last.
func (l *Lifecycle) isComplete(ctx context.Context, pod, local *corev1.Pod, site *Site) (bool, error) {
	if podstate.HasStarted(pod) || isOfEarlierVersion(pod) {
		return true, nil
	}
	if hasGate(pod) || missingImageVolume(local, pod) != "" {
		return false, nil
	}
	owned, _ := scope.Owned(pod)
	for _, object := range owned {
		var isOwned bool
		err := retry(ctx, func(ctx context.Context) error {
			found, err := l.cluster.Get(ctx, object)
			if errdefs.Is(err, errdefs.NotFound) {
				isOwned = false
				return nil
			}
			isOwned = err == nil && isOwnedBy(found, pod.UID)
			return err
		})
		if err != nil || !isOwned {
			return false, err
		}
	}
	return l.hasClaims(ctx, pod, local, site)
}

// hasClaims reports whether the claims of a pod that has not started exist, and no delete
// of another pod can still delete one of them (see keepClaim). A claim that only the site can
// create does not count: the pod waits for it. Nor does one that is being deleted under a pod
// that is on a node, since Kubernetes keeps it until the pod has ended.
func (l *Lifecycle) hasClaims(ctx context.Context, pod, local *corev1.Pod, site *Site) (bool, error) {
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		name := volume.PersistentVolumeClaim.ClaimName
		var claim *corev1.PersistentVolumeClaim
		err := retry(ctx, func(ctx context.Context) (err error) {
			claim, err = l.cluster.Claim(ctx, pod.Namespace, name)
			return err
		})
		switch {
		case errdefs.Is(err, errdefs.NotFound):
			if translate.CreatesClaim(local, site.Translate.ClaimRules, name) {
				return false, nil
			}
		case err != nil:
			return false, err
		case claim.DeletionTimestamp != nil && pod.Spec.NodeName != "":
		case claim.DeletionTimestamp != nil, mayBeDeleted(claim) && claim.Annotations[wire.AnnotationUsedBy] != string(pod.UID):
			return false, nil
		}
	}
	return true, nil
}
