package placement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Fields are the fields of a placement that a pod can choose.
var Fields = []string{
	"runtimeClass", "priorityClass", "serviceAccount", "scheduler", "nodeSelector", "tolerations", "imagePullSecrets", "affinity",
}

// Value is a value that pods may choose: one of [Fields] and a pattern.
type Value struct{ Field, Value string }

// Choose adds what a pod chooses with its annotations, as far as the site permits it. Its
// warnings name what is left out.
func (r *Rules) Choose(pod *corev1.Pod, placement *Placement, allowed []Value) (warnings []string) {
	for _, annotation := range slices.Sorted(maps.Keys(pod.Annotations)) {
		field, ok := strings.CutPrefix(annotation, wire.AnnotationPlacementPrefix)
		if !ok {
			continue
		}
		if !slices.Contains(Fields, field) {
			warnings = append(warnings, fmt.Sprintf("annotation %s is left out: it can be for %s", annotation, strings.Join(Fields, ", ")))
			continue
		}
		for _, value := range values(field, pod.Annotations[annotation]) {
			if !Permits(allowed, field, value) {
				warnings = append(warnings, fmt.Sprintf("the value %q of annotation %s is left out: the site does not permit it ([offloading] placement_allowed)", short(value), annotation))
			} else if problem := r.set(placement, field, value); problem != "" {
				warnings = append(warnings, fmt.Sprintf("the value %q of annotation %s is left out: %s", short(value), annotation, problem))
			}
		}
	}
	return warnings
}

// Permits reports whether the site permits a value.
func Permits(allowed []Value, field, value string) bool {
	return slices.ContainsFunc(allowed, func(a Value) bool { return a.Field == field && matchesPattern(a.Value, value) })
}

// values returns the values of an annotation: a list for the fields that have several.
func values(field, text string) []string {
	items := []string{text}
	switch field {
	case "nodeSelector", "tolerations", "imagePullSecrets":
		items = strings.Split(text, ",")
	}
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return slices.DeleteFunc(items, func(item string) bool { return item == "" })
}

// set sets a field to one value, or adds the value to it. It returns what is wrong with the
// value.
func (r *Rules) set(p *Placement, field, value string) (problem string) {
	switch field {
	case "nodeSelector":
		key, label, ok := strings.Cut(value, "=")
		if wrong := append(content.IsLabelKey(key), content.IsLabelValue(label)...); !ok || len(wrong) > 0 {
			return "it must be such as example.org/pool=gpu"
		}
		p.NodeSelector = maps.Clone(p.NodeSelector)
		if p.NodeSelector == nil {
			p.NodeSelector = map[string]string{}
		}
		p.NodeSelector[key] = label
		return ""
	case "tolerations":
		toleration, ok := parseToleration(value)
		if !ok {
			return "it must be such as example.org/pool=gpu:NoSchedule"
		}
		p.Tolerations = append(slices.Clip(p.Tolerations), toleration)
		return ""
	case "affinity":
		affinity := r.affinity(value)
		if affinity == nil {
			return "the site has no affinity of that name ([offloading] placement)"
		}
		p.Affinity = affinity
		return ""
	}
	if len(validation.IsDNS1123Subdomain(value)) > 0 {
		return "it is no valid name"
	}
	switch field {
	case "imagePullSecrets":
		if !slices.Contains(p.ImagePullSecrets, value) {
			p.ImagePullSecrets = append(slices.Clip(p.ImagePullSecrets), value)
		}
	case "runtimeClass":
		p.RuntimeClass = value
	case "priorityClass":
		p.PriorityClass = value
	case "serviceAccount":
		p.ServiceAccount = value
	case "scheduler":
		p.Scheduler = value
	}
	return ""
}

var effects = []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute}

// parseToleration reads a toleration in the form of kubectl taint: key[=value][:effect].
func parseToleration(text string) (toleration corev1.Toleration, ok bool) {
	rest, effect, hasEffect := strings.Cut(text, ":")
	key, value, hasValue := strings.Cut(rest, "=")
	toleration = corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffect(effect)}
	if hasValue {
		toleration.Operator, toleration.Value = corev1.TolerationOpEqual, value
	}
	valid := len(content.IsLabelKey(key)) == 0 && len(content.IsLabelValue(value)) == 0 && (!hasEffect || slices.Contains(effects, toleration.Effect))
	return toleration, valid && key != ""
}

// short returns the beginning of a text that a user has written.
func short(text string) string {
	const limit = 63
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "..."
	}
	return text
}
