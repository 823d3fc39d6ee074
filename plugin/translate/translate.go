package translate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/claimrules"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/placement"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Options is the part of the configuration that shapes remote objects. The pod's own
// values of these fields have a meaning in the local cluster only. An option that is
// not set leaves the field to the defaults of the remote cluster.
type Options struct {
	Scope scope.Scope
	config.Offloading
	// Mesh configures the container of InterLink's mesh or tunnel.
	Mesh mesh.Options
	// MeshTexts are the mesh scripts of the site, besides those that every site knows.
	MeshTexts []mesh.Text
	// ClaimRules say what becomes of claims that a pod does not opt in.
	ClaimRules claimrules.Rules
	// PlacementRules say where and as what pods run for which Offloading is not enough.
	PlacementRules placement.Rules
	// Tunnels exposes the TCP ports of pods through Helm releases.
	Tunnels bool
	// OwnNamespace is true if the plugin created the remote namespace: so nothing of it
	// is of other people. It is false in single-namespace mode.
	OwnNamespace bool
}

// Objects is everything that one local pod needs in the remote cluster. The Namespace
// is created first, then the Claims, then the Pod, then what the Pod owns ([Objects.Dependents]),
// with an owner reference to it, and the Tunnels. If the Pod has the scheduling gate
// [wire.GateDependents], the gate is removed last.
type Objects struct {
	// Namespace is the remote namespace. It is nil in single-namespace mode: that
	// namespace belongs to the site, and the plugin neither reads nor creates it.
	Namespace  *corev1.Namespace
	ConfigMaps []*corev1.ConfigMap
	Secrets    []*corev1.Secret
	Claims     []Claim
	// Service is the target of all Tunnels; nil if there are none.
	Service *corev1.Service
	Tunnels []Tunnel
	// Shared are the Services of the names that the pod uses. The Pod is one of their owners.
	Shared []*corev1.Service
	Pod    *corev1.Pod
	// Judged is the Pod without what the plugin adds by itself, such as the container of a
	// mesh, and without the volumes that the site permits by name. It is what a policy judges,
	// and is never created.
	Judged *corev1.Pod
	// Warnings name the parts of the pod that were dropped, and why.
	Warnings []string
	// WarningKinds are the kinds of the warnings, sorted, each once.
	WarningKinds []WarningKind
}

// ToObjects returns the remote objects for a create request. It does not modify the
// request. An error is of kind errdefs.Refused if the options do not permit a part of the pod
// (its unsupported volumes, its mesh script), else of kind errdefs.Invalid: something that the pod
// needs is missing or malformed. It names all problems at once ([errdefs.Reasons]), and the objects
// then have only Judged, so that a policy can name its own reasons too.
func ToObjects(request *wire.CreateRequest, options Options) (*Objects, error) {
	t := newTranslation(request, options)
	if t.dropTokens() {
		t.dropTokenSecrets()
	}
	spec := t.podSpec()
	t.volumes(spec)
	t.restoreVariables(spec)
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			t.environment(&containers[i])
		}
	}
	shared := t.sharedServices()
	judged := spec.DeepCopy() // before the plugin adds anything of its own
	judged.Volumes = slices.DeleteFunc(judged.Volumes, func(v corev1.Volume) bool { return t.permitted[v.Name] })
	t.meshSidecar(spec)
	if err := t.refusal(); err != nil {
		return &Objects{Judged: &corev1.Pod{ObjectMeta: t.podMeta(spec), Spec: *judged}}, err
	}

	objects := &Objects{
		ConfigMaps: t.configMaps(),
		Secrets:    append(t.secrets(), t.generatedSecrets...),
		Claims:     t.claims,
		Shared:     shared,
		Pod:        &corev1.Pod{ObjectMeta: t.podMeta(spec), Spec: *spec},
	}
	objects.Pod.Annotations[wire.AnnotationLogContainer] = t.logContainer(judged)
	for _, service := range shared {
		objects.Pod.Labels[wire.LabelServicePrefix+service.Name] = "true"
	}
	if names := claimNames(t.claims); len(names) > 0 {
		objects.Pod.Annotations[wire.AnnotationClaims] = strings.Join(names, ",")
	}
	objects.Judged = &corev1.Pod{ObjectMeta: *objects.Pod.ObjectMeta.DeepCopy(), Spec: *judged}
	objects.Service, objects.Tunnels = t.tunnels()
	dependents := objects.Dependents()
	// The annotation is there even if the list is empty: a pod without it is of an
	// earlier version.
	objects.Pod.Annotations[wire.AnnotationOwned] = scope.OwnedList(dependents)
	t.fitAnnotations(&objects.Pod.ObjectMeta)
	objects.Warnings = append(t.unsupported, t.warnings...)
	if len(t.unsupported) > 0 {
		t.warningKinds[WarnVolumes] = true // only parts of volumes are unsupported
	}
	objects.WarningKinds = slices.Sorted(maps.Keys(t.warningKinds))
	if len(objects.Warnings) > 0 {
		objects.Pod.Annotations[wire.AnnotationWarnings] = warningsText(objects.Warnings)
	}
	if needsGate(&objects.Pod.Spec, dependents) {
		objects.Pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: wire.GateDependents}}
	}
	objects.Namespace = t.namespace()
	return objects, nil
}

// refusal returns the error for all that makes it impossible to create the pod.
func (t *translation) refusal() error {
	refusals, codes := slices.Clone(t.refusals), slices.Clone(t.refusalCodes)
	switch t.options.UnsupportedVolumes {
	case config.RefuseVolumes:
		refusals = append(refusals, t.unsupported...)
		if len(t.unsupported) > 0 {
			codes = append(codes, RefusedVolumes)
		}
	case config.RefuseClaims:
		for _, claim := range t.claimsLeftOut {
			codes = append(codes, RefusedVolumes)
			refusals = append(refusals, claim+"; without its claim, the pod would lose what it writes ([offloading] unsupported_volumes)")
		}
	}
	return errdefs.Join(errdefs.List(errdefs.Invalid, t.problems, RefusedInvalid), errdefs.List(errdefs.Refused, refusals, codes...))
}

// translation is the state of the translation of one request.
type translation struct {
	options Options
	pod     *corev1.Pod // the local pod; read-only
	uid     string
	sent    sentObjects
	// kinds and mode are computed when they are needed first.
	kinds              variableKinds
	mode               config.VariableMode
	appliedContainers  *[]wire.OriginalContainer
	originalContainers []wire.OriginalContainer // of the request
	// addedVariables are, by container, the restored variables that had not arrived.
	addedVariables map[string][]string
	// needsOriginal is true if only the original pod would say what a variable means.
	needsOriginal bool

	// generatedSecrets hold the files of projected volumes and of the mesh.
	generatedSecrets []*corev1.Secret
	claims           []Claim
	placement        placement.Placement
	// placementOption is the option that decides the placement, for messages; "" for the
	// options of the fields.
	placementOption string
	// permitted are the volumes that the site permits by name, and limits what containers may
	// do with a volume, by the names of the volumes.
	permitted map[string]bool
	limits    map[string]mountLimits
	// problems make it impossible to run the pod. refusals name what the options do not
	// permit. unsupported names what was dropped because the remote cluster cannot have
	// it. warnings are for the user's information.
	problems, refusals, unsupported, warnings []string
	// refusalCodes are the codes of refusals, and warningKinds the kinds of warnings.
	refusalCodes []string
	warningKinds map[WarningKind]bool
	// claimsLeftOut are those of unsupported that are claims.
	claimsLeftOut []string
}

func newTranslation(request *wire.CreateRequest, options Options) *translation {
	return &translation{
		permitted: map[string]bool{},

		warningKinds: map[WarningKind]bool{},
		limits:       map[string]mountLimits{},

		options: options,
		pod:     &request.Pod,
		uid:     string(request.Pod.UID),
		sent:    collectSentObjects(request.Containers),

		originalContainers: request.Original, addedVariables: map[string][]string{},
	}
}

// name returns the remote name of one of the pod's objects.
func (t *translation) name(local string) string { return t.options.Scope.Name(local, t.uid) }

// newSecret returns an empty Secret for files that belong to a part of the pod.
func (t *translation) newSecret(part, remoteName string) *corev1.Secret {
	source := metav1.ObjectMeta{Name: part, Namespace: t.pod.Namespace, UID: t.pod.UID}
	return &corev1.Secret{
		ObjectMeta: t.options.Scope.Meta(source, remoteName, t.uid),
		Data:       map[string][]byte{},
		Type:       corev1.SecretTypeOpaque,
	}
}

// addProblem reports what makes it impossible to run the pod. The error names each text once.
func (t *translation) addProblem(format string, args ...any) {
	t.problems = append(t.problems, fmt.Sprintf(format, args...))
}

// refuse reports what the options of the site do not permit. code is one of Refusals.
func (t *translation) refuse(code, format string, args ...any) {
	t.refusalCodes = append(t.refusalCodes, code)
	t.refusals = append(t.refusals, fmt.Sprintf(format, args...))
}

// dropUnsupported reports a part of the pod that is dropped because the remote
// cluster cannot have it.
func (t *translation) dropUnsupported(format string, args ...any) {
	t.unsupported = append(t.unsupported, fmt.Sprintf(format, args...))
}

func (t *translation) warn(kind WarningKind, format string, args ...any) {
	t.warningKinds[kind] = true
	t.warnings = append(t.warnings, fmt.Sprintf(format, args...))
}
