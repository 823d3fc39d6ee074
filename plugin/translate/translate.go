package translate

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Options is the part of the configuration that shapes remote objects. What a
// pod says of these fields means something in the local cluster only, so an
// unset option leaves the field to the remote cluster's defaults.
type Options struct {
	Scope scope.Scope
	config.Offloading
	// Mesh says how the containers of InterLink's own networks are made.
	Mesh mesh.Options
	// Tunnels exposes the TCP ports of pods through Helm releases.
	Tunnels bool
}

// Objects is everything that one local pod needs in the remote cluster, in the
// order in which it must be created; ConfigMaps, Secrets and Claims are
// independent of each other.
type Objects struct {
	// Namespace is the remote namespace; nil in single-namespace mode, where
	// it is the site's own and neither looked at nor made.
	Namespace  *corev1.Namespace
	ConfigMaps []*corev1.ConfigMap
	Secrets    []*corev1.Secret
	Claims     []Claim
	// Service is what the tunnels lead to; nil without any.
	Service *corev1.Service
	Tunnels []Tunnel
	Pod     *corev1.Pod
	// Warnings say in plain words what of the pod was left out, and why.
	Warnings []string
}

// ToObjects returns the remote objects of a create request. The request is not
// modified. An error is of kind errdefs.Invalid (something that the pod needs is
// missing or malformed) or errdefs.Refused (unsupported volumes, when those are
// to be refused) and tells all problems at once.
func ToObjects(request *wire.CreateRequest, options Options) (*Objects, error) {
	t := newTranslation(request, options)
	spec := t.podSpec()
	t.volumes(spec)
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			t.environment(&containers[i])
		}
	}
	t.network(spec)
	switch {
	case len(t.problems) > 0:
		return nil, errdefs.New(errdefs.Invalid, "%s", strings.Join(t.problems, "; "))
	case len(t.unsupported) > 0 && options.UnsupportedVolumes == config.RefuseVolumes:
		return nil, errdefs.New(errdefs.Refused, "%s", strings.Join(t.unsupported, "; "))
	}

	meta := options.Scope.Meta(t.pod.ObjectMeta, t.name(t.pod.Name), t.uid,
		wire.AnnotationPreExec, wire.AnnotationWireguardSnippet, wire.AnnotationTunnelCommands, // they hold keys
		wire.AnnotationFinished, wire.AnnotationFailed) // they are the plugin's to set
	dropAppArmor(meta.Annotations, spec)

	objects := &Objects{
		ConfigMaps: t.configMaps(),
		Secrets:    append(t.secrets(), t.projected...),
		Claims:     t.claims,
		Pod:        &corev1.Pod{ObjectMeta: meta, Spec: *spec},
		Warnings:   append(t.unsupported, t.warnings...),
	}
	objects.Service, objects.Tunnels = t.tunnels()
	if options.Scope.Namespace == "" {
		objects.Namespace = &corev1.Namespace{ObjectMeta: options.Scope.NamespaceMeta(t.pod.Namespace)}
	}
	return objects, nil
}

// translation is one request on its way to objects.
type translation struct {
	options Options
	pod     *corev1.Pod // the local pod, read only
	uid     string
	sources sources

	projected []*corev1.Secret // and what the network needs
	claims    []Claim
	// problems make the pod impossible; unsupported is what cannot be carried
	// over; warnings are worth knowing, no more.
	problems, unsupported, warnings []string
}

func newTranslation(request *wire.CreateRequest, options Options) *translation {
	return &translation{
		options: options,
		pod:     &request.Pod,
		uid:     string(request.Pod.UID),
		sources: collect(request.Containers),
	}
}

// name returns the remote name of one of the pod's objects.
func (t *translation) name(local string) string { return t.options.Scope.Name(local, t.uid) }

func (t *translation) problem(format string, args ...any) {
	t.problems = append(t.problems, fmt.Sprintf(format, args...))
}

func (t *translation) leaveOut(format string, args ...any) {
	t.unsupported = append(t.unsupported, fmt.Sprintf(format, args...))
}

func (t *translation) warn(format string, args ...any) {
	t.warnings = append(t.warnings, fmt.Sprintf(format, args...))
}
