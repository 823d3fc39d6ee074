package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// maxSweeps limits the sweeps for objects of earlier versions at the same time: the API
// server lists all objects of a namespace for each.
const maxSweeps = 4

// unowned returns the work that deletes what the remote pods of a local pod do not own,
// or nil if there is none: claims, which can outlive their pods, if their policies say so;
// and tunnels, which are Helm releases in another namespace. The work may be done again.
func (l *Lifecycle) unowned(pod *corev1.Pod, remotes []*corev1.Pod) func(context.Context) error {
	claims := l.claimsOf(pod, remotes)
	service := l.options.Translate.Scope.ServiceName(string(pod.UID))
	exposed := l.options.Tunnels != nil && slices.ContainsFunc(remotes, func(remote *corev1.Pod) bool { return ownsService(remote, service) })
	if len(claims) == 0 && !exposed {
		return nil
	}
	return func(ctx context.Context) error {
		var failures []error
		if exposed {
			failures = append(failures, l.options.Tunnels.Close(ctx, scope.TunnelSelector(string(pod.UID))))
		}
		for _, claim := range claims {
			failures = append(failures, l.releaseClaim(ctx, claim, pod))
		}
		return errors.Join(failures...)
	}
}

// claimsOf returns the claims that the remote pods of a local pod use: those that are recorded on
// them, and those that a create would use now. The rules can have changed since the create, or
// the pods can be gone; after both, only the search for orphans finds the claims. They can be
// claims that the create did not use, of volumes that no container mounts: each is deleted only
// if a plugin made it, its policy says so and no other pod uses it.
func (l *Lifecycle) claimsOf(pod *corev1.Pod, remotes []*corev1.Pod) []string {
	claims := translate.ClaimNames(pod, l.Site().Translate.ClaimRules)
	for _, remote := range remotes {
		for name := range strings.SplitSeq(remote.Annotations[wire.AnnotationClaims], ",") {
			if name != "" && !slices.Contains(claims, name) {
				claims = append(claims, name)
			}
		}
	}
	return claims
}

// ownsService reports whether a remote pod owns the Service with a name.
func ownsService(pod *corev1.Pod, name string) bool {
	owned, _ := scope.Owned(pod)
	return slices.ContainsFunc(owned, func(object metav1.Object) bool {
		_, ok := object.(*corev1.Service)
		return ok && object.GetName() == name
	})
}

// addSweep adds a job that deletes the objects that an earlier version, or the Python
// plugin, created for a local pod, by their labels. If no remote pod was found, they may
// have been created before a pod that never came to be.
func (l *Lifecycle) addSweep(ctx context.Context, pod *corev1.Pod, remotes []*corev1.Pod) {
	if len(remotes) > 0 && !slices.ContainsFunc(remotes, isOfEarlierVersion) {
		return
	}
	namespace, uid := l.remoteNamespace(pod), string(pod.UID)
	const name = "delete objects of earlier versions"
	l.sweeps.add(pod.UID, job{name: name, log: l.podLogger(ctx, pod), run: tracing.Later(ctx, name, func(ctx context.Context) error {
		failures := []error{
			l.cluster.DeleteConfigMaps(ctx, namespace, scope.PodSelector(uid)),
			l.cluster.DeleteSecrets(ctx, namespace, scope.PodSelector(uid)),
		}
		if l.options.Tunnels != nil {
			failures = append(failures, l.options.Tunnels.Close(ctx, scope.TunnelSelector(uid)), l.deleteService(ctx, namespace, uid))
		}
		return errors.Join(failures...)
	})})
}

// deleteService deletes the Service of a pod's tunnels.
func (l *Lifecycle) deleteService(ctx context.Context, namespace, uid string) error {
	name := l.options.Translate.Scope.ServiceName(uid)
	service, err := l.cluster.Get(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	if err == nil && service.GetLabels()[wire.LabelPodUID] == uid {
		err = l.cluster.Delete(ctx, service, nil, false)
	}
	if errdefs.Is(err, errdefs.NotFound) {
		return nil
	}
	return err
}
