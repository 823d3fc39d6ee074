package translate

import (
	"cmp"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// secretAnnotations are annotations of InterLink that hold keys, and kubectl's copy of the
// manifest, which holds the values of variables. No remote object has them.
var secretAnnotations = []string{
	wire.AnnotationPreExec, wire.AnnotationWireguardSnippet, wire.AnnotationWireguardPrivateKey, wire.AnnotationLastApplied,
	wire.AnnotationTunnelCommands, wire.AnnotationTunnelPath, wire.AnnotationSSHCommands, wire.AnnotationRatholeCommands,
}

// podMeta returns the metadata of the remote pod: that of the plugin, and the user's labels
// and annotations, except those that controllers of the remote cluster would obey. The pod
// lists what is left out in [wire.AnnotationDroppedMetadata].
func (t *translation) podMeta(spec *corev1.PodSpec) metav1.ObjectMeta {
	meta := t.options.Scope.Meta(t.pod.ObjectMeta, t.name(t.pod.Name), t.uid)
	dropped := droppedMetadata{Labels: map[string]string{}, Annotations: map[string]string{}}
	prefix := !t.options.OwnNamespace && t.options.Labels != config.CarryLabels
	for name, value := range t.pod.Labels {
		remote := name
		if prefix {
			remote = prefixedLabel(name)
		}
		if isReserved(name) || t.isDropped(name) || len(validation.IsQualifiedName(remote)) > 0 {
			dropped.Labels[name] = value
			continue
		}
		meta.Labels[remote] = value
	}
	for name, value := range t.pod.Annotations {
		switch {
		case slices.Contains(secretAnnotations, name), isOfLocalContainer(name, spec):
		case isReserved(name) && !isClaimAnnotation(name) && name != wire.AnnotationService, t.isDropped(name):
			dropped.Annotations[name] = value
		default:
			meta.Annotations[name] = value
		}
	}
	if text := dropped.text(); text != "" {
		meta.Annotations[wire.AnnotationDroppedMetadata] = text
	}
	if node := t.pod.Spec.NodeName; node != "" {
		meta.Annotations[wire.AnnotationSourceNode] = node
	}
	return meta
}

// logContainer returns the container whose log is meant if a log request names none: the one
// that kubectl would choose, of those that the pod has without what the plugin adds.
func (t *translation) logContainer(own *corev1.PodSpec) string {
	if name := t.pod.Annotations[wire.AnnotationDefaultContainer]; hasContainer(own, name) {
		return name
	}
	if len(own.Containers) == 0 { // all of them stay local
		return ""
	}
	return own.Containers[0].Name
}

// droppedMetadata is the content of [wire.AnnotationDroppedMetadata].
type droppedMetadata struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// text returns the content of the annotation; empty if nothing is left out.
func (d droppedMetadata) text() string {
	if len(d.Labels)+len(d.Annotations) == 0 {
		return ""
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(d) != nil {
		return "" // impossible: maps of texts
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// isDropped reports whether the configuration leaves out a label or annotation.
func (t *translation) isDropped(name string) bool {
	return slices.ContainsFunc(t.options.DroppedMetadata, func(pattern string) bool {
		matches, err := path.Match(pattern, name)
		return err == nil && matches
	})
}

// labelDomain is the end of the domain of a label that has a prefix.
const labelDomain = "source.interlink.io"

// prefixedLabel returns the name of a user's label in a namespace that the plugin did not
// create: no selector of that namespace matches it. Different labels stay different.
func prefixedLabel(name string) string {
	domain, rest, found := strings.Cut(name, "/")
	if !found {
		return labelDomain + "/" + name
	}
	return domain + "." + labelDomain + "/" + rest
}

// isReserved reports whether only the plugin sets a label or annotation.
func isReserved(name string) bool {
	domain, _, hasDomain := strings.Cut(name, "/")
	return domain == wire.LabelOffloading || domain+"/" == wire.LabelServicePrefix || hasDomain && (domain == labelDomain || strings.HasSuffix(domain, "."+labelDomain))
}

// isClaimAnnotation reports whether the user asks for a claim with an annotation.
func isClaimAnnotation(name string) bool {
	return name == wire.AnnotationRemotePVC || strings.HasPrefix(name, wire.AnnotationClaimPrefix)
}

// isOfLocalContainer reports whether an annotation is the AppArmor profile of a container
// that stays local: the API server refuses one for a container that the pod does not have.
// Kubernetes before 1.30 has no field for such a profile.
func isOfLocalContainer(name string, spec *corev1.PodSpec) bool {
	container, ok := strings.CutPrefix(name, corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix)
	return ok && !hasContainer(spec, container)
}

// maxAnnotations is the size of all annotations of an object that the API server accepts,
// less a reserve for those that the plugin adds later.
const maxAnnotations = 256<<10 - 16<<10

// fitAnnotations leaves out the largest annotations of the user if the remote pod has more
// of them than the API server accepts: the plugin adds its own to those that were accepted
// in the local cluster.
func (t *translation) fitAnnotations(meta *metav1.ObjectMeta) {
	total := 0
	for name, value := range meta.Annotations {
		total += len(name) + len(value)
	}
	drop := func(name string) {
		if _, ok := meta.Annotations[name]; !ok {
			return
		}
		total -= len(name) + len(meta.Annotations[name])
		delete(meta.Annotations, name)
	}
	if total > maxAnnotations {
		drop(wire.AnnotationDroppedMetadata)
	}
	bySize := slices.SortedFunc(maps.Keys(meta.Annotations), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(meta.Annotations[b]), len(meta.Annotations[a])), cmp.Compare(a, b))
	})
	for _, name := range bySize {
		if total <= maxAnnotations {
			return
		}
		if !isReserved(name) {
			t.warn(WarnMetadata, "annotation %s is left out: the annotations of the remote pod would be larger than 256 KiB", name)
			drop(name)
		}
	}
}
