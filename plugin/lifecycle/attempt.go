package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/policy"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// createAttempt is one call of Create.
type createAttempt struct {
	lifecycle *Lifecycle
	site      Site
	request   *wire.CreateRequest
	stored    bool   // the request was stored
	id        string // no other attempt has it; the annotation [wire.AnnotationCreatedBy] of the pod that it creates
	uid       string // of the local pod
	log       *slog.Logger

	// objects are the remote objects. They are for a remote namespace that the plugin
	// created if ownNamespace is true.
	objects      *translate.Objects
	ownNamespace bool
	// pod is the remote pod; nil until it exists. complete is true if another create has
	// created everything that it needs.
	pod      *corev1.Pod
	complete bool
	// claims are the claims of the pod, in the order of objects.Claims.
	claims []*corev1.PersistentVolumeClaim
	// mayHaveCreatedPod and mayHaveCreatedClaims are true if this attempt sent a request
	// that may have created one: the remote cluster must be asked.
	mayHaveCreatedPod    bool
	mayHaveCreatedClaims atomic.Bool
}

// errPodGone is the error of a step that finds that the pod of the attempt does not exist
// any more.
var errPodGone = errdefs.New(errdefs.NotFound, "the remote pod was deleted while it was created")

// Objects returns the remote objects for a create request, if the remote site accepts the pod. An
// error names all reasons why it does not ([errdefs.Reasons]), those of the translation and those
// of the policy.
func Objects(request *wire.CreateRequest, options translate.Options, site policy.Options) (*translate.Objects, error) {
	objects, err := translate.ToObjects(request, options)
	if err := errdefs.Join(err, policy.Judge(objects.Judged, &request.Pod, site)); err != nil {
		return nil, err
	}
	return objects, nil
}

// translate sets the objects of the attempt, if the remote site accepts the pod.
// ownNamespace says whether the plugin created the remote namespace.
func (a *createAttempt) translate(ownNamespace bool) error {
	options := a.site.Translate
	options.OwnNamespace = ownNamespace
	objects, err := Objects(a.request, options, a.site.Policy)
	if err != nil {
		return err
	}
	objects.Pod.Annotations[wire.AnnotationCreatedBy] = a.id
	if a.stored {
		objects.Pod.Annotations[wire.AnnotationFromStoredRequest] = "true"
	}
	a.objects, a.ownNamespace = objects, ownNamespace
	return nil
}

// run creates everything that does not exist yet. If the namespace, the pod or a claim does not
// exist any more, somebody deleted it with all that belongs to it: run then starts
// again from the beginning.
func (a *createAttempt) run(ctx context.Context) error {
	return retry(ctx, func(ctx context.Context) error {
		err := a.createAll(ctx)
		if errors.Is(err, errPodGone) || errors.Is(err, errClaimGone) {
			a.pod = nil
			return errdefs.Wrap(errdefs.Unavailable, err)
		}
		if errdefs.Is(err, errdefs.NotFound) && a.objects.Namespace != nil {
			a.pod = nil
			a.lifecycle.forgetNamespace(a.objects.Namespace.Name)
			if len(a.objects.Tunnels) > 0 {
				a.lifecycle.forgetNamespace(a.lifecycle.options.Tunnels.Namespace())
			}
			return errdefs.Wrap(errdefs.Unavailable, err)
		}
		return err
	})
}

// createAll creates the namespace, the claims, the pod, and then the objects that the pod
// owns. No container starts before they exist, or without the files of an image: the kubelet
// waits for them, or the pod has a scheduling gate, which createAll removes last.
func (a *createAttempt) createAll(ctx context.Context) error {
	if err := a.ensureNamespace(ctx); err != nil {
		return err
	}
	if err := a.ensureClaims(ctx); err != nil {
		return err
	}
	if err := a.ensurePod(ctx); err != nil || a.complete {
		return err
	}
	if err := a.checkLeftOut(ctx); err != nil {
		return err
	}
	if err := inParallel(ctx, a.claims, a.keepClaim); err != nil {
		return err
	}
	if err := inParallel(ctx, a.objects.Dependents(), a.ensureDependent); err != nil {
		return err
	}
	if err := a.openTunnels(ctx); err != nil {
		return err
	}
	if hasGate(a.pod) {
		return a.removeGate(ctx)
	}
	return nil
}

// ensureNamespace makes sure that the remote namespace exists. A pod is translated, and may
// be refused, before anything is read or created; so the objects are translated again if
// the namespace is not what was known about it then.
func (a *createAttempt) ensureNamespace(ctx context.Context) error {
	own, err := a.lifecycle.ensureNamespace(ctx, a.objects.Namespace)
	if err != nil || own == a.ownNamespace {
		return err
	}
	return a.translate(own)
}

// checkNamespaceAgain returns a function to call before each try of a create in the namespace. From
// the second try on, it makes sure that the namespace is ready: while the tries fail,
// the namespace can be deleted, and another create can make it again and have not yet
// applied the template. An error of kind NotFound lets run start again.
func (a *createAttempt) checkNamespaceAgain() func(context.Context) error {
	first := true
	return func(ctx context.Context) error {
		if first {
			first = false
			return nil
		}
		own, err := a.lifecycle.ensureNamespace(ctx, a.objects.Namespace)
		if err == nil && own != a.ownNamespace {
			return errdefs.New(errdefs.NotFound, "namespace %s was created again", a.objects.Pod.Namespace)
		}
		return err
	}
}

// ensurePod creates the pod, if it does not exist. If a pod with that name exists, it is
// this pod if it has the label of the local UID: an earlier call whose answer was lost
// created it, or another replica.
func (a *createAttempt) ensurePod(ctx context.Context) error {
	if a.pod != nil {
		return nil
	}
	again := a.checkNamespaceAgain()
	return retry(ctx, func(ctx context.Context) error {
		if err := again(ctx); err != nil {
			return err
		}
		before := a.mayHaveCreatedPod
		a.mayHaveCreatedPod = true
		created, err := a.lifecycle.cluster.Create(ctx, a.objects.Pod)
		switch errdefs.KindOf(err) {
		case "":
			a.pod = created.(*corev1.Pod)
		case errdefs.Exists:
			return a.useExistingPod(ctx)
		case errdefs.Invalid, errdefs.Refused, errdefs.OverQuota, errdefs.NotYet, errdefs.NotFound:
			a.mayHaveCreatedPod = before
		}
		return err
	})
}

func (a *createAttempt) useExistingPod(ctx context.Context) error {
	wanted := a.objects.Pod
	pod, err := a.lifecycle.cluster.Pod(ctx, wanted.Namespace, wanted.Name)
	switch {
	case errdefs.Is(err, errdefs.NotFound):
		return errdefs.New(errdefs.Unavailable, "pod %s/%s was deleted a moment ago", wanted.Namespace, wanted.Name)
	case err != nil:
		return err
	case pod.Labels[wire.LabelPodUID] != a.uid:
		return errdefs.New(errdefs.Exists, "pod %s/%s exists, but the plugin did not create it: it does not have the label %s", pod.Namespace, pod.Name, wire.LabelPodUID)
	}
	if a.created(pod) { // the answer to its create was lost
		err = checkNotLeaving(pod)
	} else {
		err = a.lifecycle.mark(ctx, pod)
	}
	if err != nil {
		return err
	}
	a.pod, a.complete = pod, podstate.HasStarted(pod) || isOfEarlierVersion(pod)
	return nil
}

// created reports whether this attempt created a pod.
func (a *createAttempt) created(pod *corev1.Pod) bool {
	return pod.Annotations[wire.AnnotationCreatedBy] == a.id
}

// removeGate lets the scheduler place the pod.
func (a *createAttempt) removeGate(ctx context.Context) error {
	err := retry(ctx, func(ctx context.Context) error {
		return a.lifecycle.cluster.RemoveGate(ctx, a.pod, wire.GateDependents)
	})
	if errdefs.Is(err, errdefs.NotFound) {
		return errPodGone
	}
	return err
}

// hasGate reports whether a pod waits for the objects that it owns.
func hasGate(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.SchedulingGates, func(gate corev1.PodSchedulingGate) bool { return gate.Name == wire.GateDependents })
}

// isOfEarlierVersion reports whether an earlier version of the plugin, or the Python
// plugin, created a remote pod. Such a pod does not own what it needs.
func isOfEarlierVersion(pod *corev1.Pod) bool {
	_, ok := scope.Owned(pod)
	return !ok || pod.Labels[wire.LabelAttempt] != ""
}
