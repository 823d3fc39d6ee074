package capacity

import (
	"iter"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Quota is what a ResourceQuota permits
// (https://kubernetes.io/docs/concepts/policy/resource-quotas/).
type Quota struct {
	Namespace string
	// FromTemplate says that the plugin created the quota, with its namespace.
	FromTemplate bool
	limits       []limit
	// classes say for which priority classes the quota counts; empty for all.
	classes []corev1.ScopedResourceSelectorRequirement
}

// limit is one entry of a quota.
type limit struct {
	Amount
	counts counted
}

// counted is what a limit counts.
type counted int

const (
	requests counted = iota // what pods request that have not ended
	limits                  // the limits of the same pods
	objects                 // pods, also those that have ended
)

// NewQuota returns what a ResourceQuota permits the pods of this installation. A quota that counts only some of them,
// such as those with a deadline, limits nothing: the others have no such limit.
func NewQuota(quota *corev1.ResourceQuota, options Options) Quota {
	_, template := quota.Labels[wire.LabelNamespaceTemplate]
	q := Quota{Namespace: quota.Namespace, FromTemplate: template}
	scopes := make([]corev1.ScopedResourceSelectorRequirement, 0, len(quota.Spec.Scopes))
	for _, name := range quota.Spec.Scopes {
		scopes = append(scopes, corev1.ScopedResourceSelectorRequirement{ScopeName: name, Operator: corev1.ScopeSelectorOpExists})
	}
	if selector := quota.Spec.ScopeSelector; selector != nil {
		scopes = append(scopes, selector.MatchExpressions...)
	}
	allPods := true
	for _, scope := range scopes {
		switch {
		case scope.ScopeName == corev1.ResourceQuotaScopeNotBestEffort: // all pods that request something
			allPods = false
		case scope.ScopeName == corev1.ResourceQuotaScopePriorityClass && selects(scope, options.PriorityClass):
			q.classes = append(q.classes, scope)
		default:
			return q
		}
	}
	hard := quota.Status.Hard // what the API server enforces
	if hard == nil {
		hard = quota.Spec.Hard
	}
	for name, quantity := range hard {
		l := limit{Amount: Amount{Name: name}}
		plain := string(name)
		switch {
		case name == "count/pods":
			l.Name, l.counts = corev1.ResourcePods, objects
		case strings.HasPrefix(plain, "limits."):
			l.Name, l.counts = corev1.ResourceName(strings.TrimPrefix(plain, "limits.")), limits
		case strings.HasPrefix(plain, "requests."):
			l.Name = corev1.ResourceName(strings.TrimPrefix(plain, "requests."))
		case strings.Contains(plain, "/"): // numbers of other objects, and storage of a class
			continue
		}
		if !isOffered(l.Name) || l.Name == corev1.ResourcePods && !allPods {
			continue
		}
		l.Value = down(l.Name, quantity)
		q.limits = append(q.limits, l)
	}
	return q
}

// selects reports whether a scope selects a priority class; the name is empty for none.
func selects(scope corev1.ScopedResourceSelectorRequirement, class string) bool {
	switch scope.Operator {
	case corev1.ScopeSelectorOpIn:
		return slices.Contains(scope.Values, class)
	case corev1.ScopeSelectorOpNotIn:
		return !slices.Contains(scope.Values, class)
	case corev1.ScopeSelectorOpExists:
		return class != ""
	case corev1.ScopeSelectorOpDoesNotExist:
		return class == ""
	}
	return false
}

// counts reports whether the quota counts a pod.
func (q Quota) counts(pod Pod) bool {
	return !slices.ContainsFunc(q.classes, func(scope corev1.ScopedResourceSelectorRequirement) bool { return !selects(scope, pod.PriorityClass) })
}

// OfQuotas returns what the quotas of the namespaces of this installation permit, less what pods of others use of them.
// Such namespaces are those with pods of this installation, with a quota of its template, and those of
// which options say it. A resource is reported only if each of them limits it.
func OfQuotas(quotas iter.Seq[Quota], pods iter.Seq[Pod], options Options) Report {
	s := newSums()
	inNamespace := map[string][]Pod{}
	own := map[string]bool{}
	for pod := range pods {
		inNamespace[pod.Namespace] = append(inNamespace[pod.Namespace], pod)
		if !pod.Own {
			continue
		}
		own[pod.Namespace] = true
		if !pod.Ended {
			s.use(pod)
		}
	}
	byNamespace := map[string][]Quota{}
	for quota := range quotas {
		if quota.FromTemplate || options.IsOwn != nil && options.IsOwn(quota.Namespace) {
			own[quota.Namespace] = true
		}
		byNamespace[quota.Namespace] = append(byNamespace[quota.Namespace], quota)
	}
	namespaces := 0
	limiting := map[corev1.ResourceName]int{} // the number of namespaces with a limit
	add := func(quotas []Quota, pods []Pod) {
		namespaces++
		for name, most := range permitted(quotas, pods) {
			limiting[name]++
			s.total[name] = plus(s.total[name], most.total)
			s.offered[name] = plus(s.offered[name], most.offered)
		}
	}
	for namespace := range own {
		add(byNamespace[namespace], inNamespace[namespace])
	}
	if len(options.Next) > 0 {
		add(options.Next, nil)
	}
	for name, n := range limiting {
		if n < namespaces {
			delete(s.total, name)
		}
	}
	return s.report(options.Reserve)
}

// most is what a namespace permits of a resource.
type most struct{ total, offered int64 }

// permitted returns what the quotas of a namespace permit: of each resource the least of all limits.
func permitted(quotas []Quota, pods []Pod) map[corev1.ResourceName]most {
	found := map[corev1.ResourceName]most{}
	for _, quota := range quotas {
		for _, limit := range quota.limits {
			here := most{total: limit.Value, offered: limit.Value}
			for _, pod := range pods {
				if quota.counts(pod) {
					here.offered = minus(here.offered, limit.taken(pod))
				}
			}
			here.offered = max(here.offered, 0)
			if before, ok := found[limit.Name]; ok {
				here.total, here.offered = min(here.total, before.total), min(here.offered, before.offered)
			}
			found[limit.Name] = here
		}
	}
	return found
}

// taken returns what a pod takes of a limit from this installation. What its own pods request is offered, as
// the local scheduler subtracts it; what their limits are higher is not.
func (l limit) taken(pod Pod) int64 {
	switch {
	case l.counts == objects && (!pod.Own || pod.Ended):
		return 1
	case l.counts == objects || pod.Ended:
		return 0
	case l.counts == limits && pod.Own:
		return max(pod.Limits.of(l.Name)-pod.Requests.of(l.Name), 0)
	case l.counts == limits:
		return pod.Limits.of(l.Name)
	case pod.Own:
		return 0
	case l.Name == corev1.ResourcePods:
		return 1
	}
	return pod.Requests.of(l.Name)
}
