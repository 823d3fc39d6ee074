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

// maxValues is how many values an annotation can have: a user could write thousands of them.
const maxValues = 16

// Choose adds what a pod chooses with its annotations, as far as the site permits it. Its
// warnings name what is left out, with one warning for each field, and one for all annotations
// that name no field.
func (r *Rules) Choose(pod *corev1.Pod, placement *Placement, allowed []Value) (warnings []string) {
	var unknown []string
	for _, annotation := range slices.Sorted(maps.Keys(pod.Annotations)) {
		field, ok := strings.CutPrefix(annotation, wire.AnnotationPlacementPrefix)
		if !ok {
			continue
		}
		if !slices.Contains(Fields, field) {
			unknown = append(unknown, annotation)
			continue
		}
		var leftOut []string
		items, more := values(field, pod.Annotations[annotation])
		for _, value := range items {
			problem := "the site does not permit it ([offloading] placement_allowed)"
			if Permits(allowed, field, value) {
				problem = r.set(placement, field, value)
			}
			if problem != "" {
				leftOut = append(leftOut, fmt.Sprintf("the value %q of annotation %s is left out: %s", short(value), annotation, problem))
			}
		}
		if len(leftOut) > 0 {
			warnings = append(warnings, andMore(leftOut[0], len(leftOut)-1))
		}
		if more {
			warnings = append(warnings, fmt.Sprintf("annotation %s has more than %d values: the others are left out", annotation, maxValues))
		}
	}
	if len(unknown) > 0 {
		text := fmt.Sprintf("annotation %s is left out: it can be for %s", short(unknown[0]), strings.Join(Fields, ", "))
		warnings = append(warnings, andMore(text, len(unknown)-1))
	}
	return warnings
}

// andMore adds to the text about the first of several how many others there are.
func andMore(text string, others int) string {
	if others == 0 {
		return text
	}
	return fmt.Sprintf("%s (and %d more)", text, others)
}

// Permits reports whether the site permits a value.
func Permits(allowed []Value, field, value string) bool {
	return slices.ContainsFunc(allowed, func(a Value) bool { return a.Field == field && matchesPattern(a.Value, value) })
}

// values returns the first values of an annotation, each once, and whether it has more: a list
// for the fields that have several.
func values(field, text string) (items []string, more bool) {
	isList := slices.Contains([]string{"nodeSelector", "tolerations", "imagePullSecrets"}, field)
	if value := strings.TrimSpace(text); !isList && value != "" {
		return []string{value}, false
	}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" || slices.Contains(items, item) {
			continue
		}
		if len(items) == maxValues {
			return items, true
		}
		items = append(items, item)
	}
	return items, false
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
