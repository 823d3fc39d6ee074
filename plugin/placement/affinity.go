package placement

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// nodeOperators are the operators of node selectors, as those of labels.
var nodeOperators = map[corev1.NodeSelectorOperator]selection.Operator{
	corev1.NodeSelectorOpIn: selection.In, corev1.NodeSelectorOpNotIn: selection.NotIn,
	corev1.NodeSelectorOpExists: selection.Exists, corev1.NodeSelectorOpDoesNotExist: selection.DoesNotExist,
	corev1.NodeSelectorOpGt: selection.GreaterThan, corev1.NodeSelectorOpLt: selection.LessThan,
}

// checkAffinity returns what is wrong with an affinity: the API server would refuse each pod
// that gets it.
func checkAffinity(affinity *corev1.Affinity) []error {
	var problems []error
	add := func(field string, errs ...error) {
		for _, err := range errs {
			problems = append(problems, fmt.Errorf("%s: %w", field, err))
		}
	}
	if nodes := affinity.NodeAffinity; nodes != nil {
		if required := nodes.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
			if len(required.NodeSelectorTerms) == 0 {
				add("nodeAffinity", errors.New("nodeSelectorTerms is missing"))
			}
			for _, term := range required.NodeSelectorTerms {
				add("nodeAffinity", checkNodeTerm(&term)...)
			}
		}
		for _, preferred := range nodes.PreferredDuringSchedulingIgnoredDuringExecution {
			add("nodeAffinity", append(checkNodeTerm(&preferred.Preference), checkWeight(preferred.Weight)...)...)
		}
	}
	pods := func(field string, required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) {
		for _, term := range required {
			add(field, checkPodTerm(&term)...)
		}
		for _, weighted := range preferred {
			add(field, append(checkPodTerm(&weighted.PodAffinityTerm), checkWeight(weighted.Weight)...)...)
		}
	}
	if to := affinity.PodAffinity; to != nil {
		pods("podAffinity", to.RequiredDuringSchedulingIgnoredDuringExecution, to.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if from := affinity.PodAntiAffinity; from != nil {
		pods("podAntiAffinity", from.RequiredDuringSchedulingIgnoredDuringExecution, from.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	return problems
}

func checkWeight(weight int32) []error {
	if weight < 1 || weight > 100 {
		return []error{fmt.Errorf("weight is %d, not from 1 to 100", weight)}
	}
	return nil
}

func checkNodeTerm(term *corev1.NodeSelectorTerm) []error {
	var problems []error
	for _, r := range term.MatchExpressions {
		operator, ok := nodeOperators[r.Operator]
		if !ok {
			problems = append(problems, fmt.Errorf("%s has the operator %q, which does not exist", r.Key, r.Operator))
			continue
		}
		if _, err := labels.NewRequirement(r.Key, operator, r.Values); err != nil {
			problems = append(problems, err)
		}
	}
	for _, r := range term.MatchFields {
		isOperator := slices.Contains([]corev1.NodeSelectorOperator{corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn}, r.Operator)
		if r.Key != metav1.ObjectNameField || !isOperator || len(r.Values) != 1 {
			problems = append(problems, fmt.Errorf("matchFields can be only %s, In or NotIn, and one value", metav1.ObjectNameField))
		}
	}
	return problems
}

func checkPodTerm(term *corev1.PodAffinityTerm) []error {
	var problems []error
	if len(content.IsLabelKey(term.TopologyKey)) > 0 {
		problems = append(problems, fmt.Errorf("topologyKey %q is not valid: it is the name of a label of nodes, such as %s", term.TopologyKey, corev1.LabelHostname))
	}
	for _, selector := range []*metav1.LabelSelector{term.LabelSelector, term.NamespaceSelector} {
		if _, err := metav1.LabelSelectorAsSelector(selector); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}
