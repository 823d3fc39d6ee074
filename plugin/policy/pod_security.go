package policy

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	standard "k8s.io/pod-security-admission/policy"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// violations returns what a pod must change to meet a Pod Security Standard: fields and what
// is wrong with them. The library's checks decide; where a check forbids a pod, the fields
// are found by asking it about each field alone.
func violations(level config.PodSecurity, pod *corev1.Pod) []string {
	// With user namespaces (hostUsers: false), the library permits a pod to be root. An API
	// server or a node that does not know them ignores the field, and the pod would be root.
	judged := *pod
	judged.Spec.HostUsers = nil
	pod = &judged
	var found []string
	for _, c := range checks[level] {
		result := c.run(&pod.ObjectMeta, &pod.Spec)
		if result.Allowed {
			continue
		}
		fields := guilty(c, pod)
		if len(fields) == 0 { // a check of a later version of the library, which has no field here
			fields = []string{strings.TrimSpace(result.ForbiddenReason + " " + result.ForbiddenDetail)}
		}
		found = append(found, fields...)
	}
	return found
}

// guilty returns the fields that make a check forbid a pod. Fields with the same
// problem share its words, and the first ten are named.
func guilty(c check, pod *corev1.Pod) []string {
	find := fieldsOf[c.id]
	if find == nil {
		return nil
	}
	var problems []string
	paths := map[string][]string{} // by problem
	seen := map[string]bool{}
	for _, f := range find(pod) {
		if c.run(&f.alone.ObjectMeta, &f.alone.Spec).Allowed {
			continue
		}
		if paths[f.must] == nil {
			problems = append(problems, f.must)
		}
		if text := f.path + " " + f.must; !seen[text] {
			seen[text] = true
			paths[f.must] = append(paths[f.must], f.path)
		}
	}
	for i, problem := range problems {
		problems[i] = strings.Join(errdefs.First(paths[problem]), ", ") + " " + problem
	}
	return problems
}

// A check is one rule of the library, in its newest version.
type check struct {
	id  standard.CheckID
	run standard.CheckPodFn
}

// checks are the rules of each standard; the privileged one has none.
var checks = map[config.PodSecurity][]check{
	config.PodSecurityBaseline:   checksOf(api.LevelBaseline),
	config.PodSecurityRestricted: checksOf(api.LevelRestricted),
}

// checksOf returns the checks of a level. A check of the restricted level also applies those
// of the baseline level, apart from those that it replaces.
func checksOf(level api.Level) []check {
	all := standard.DefaultChecks()
	newest := func(c standard.Check) standard.VersionedCheck { return c.Versions[len(c.Versions)-1] }
	replaced := map[standard.CheckID]bool{}
	for _, c := range all {
		if level == api.LevelRestricted && c.Level == api.LevelRestricted {
			for _, id := range newest(c).OverrideCheckIDs {
				replaced[id] = true
			}
		}
	}
	var selected []check
	for _, c := range all {
		if (c.Level == api.LevelBaseline || c.Level == level) && !replaced[c.ID] {
			selected = append(selected, check{c.ID, newest(c).CheckPod})
		}
	}
	slices.SortFunc(selected, func(a, b check) int { return strings.Compare(string(a.id), string(b.id)) })
	return selected
}
