package accounting

import (
	"cmp"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// known is what the watch has told about the pods: all runs of containers that the ledger has not
// counted to their ends. It is not safe for concurrent use.
type known struct {
	pods map[types.UID]*knownPod // by the UID of the remote pod
	// until is the time of the ledger: what ended before it does not matter.
	until int64
}

type knownPod struct {
	namespace string
	requests  map[string]map[string]int64 // by container; see requestsOf
	instances []instance
	exists    bool
}

func newKnown() *known { return &known{pods: map[types.UID]*knownPod{}} }

// observe takes over what a pod shows at a time.
func (k *known) observe(pod *corev1.Pod, at time.Time) {
	p := k.pods[pod.UID]
	if p == nil {
		p = &knownPod{}
		k.pods[pod.UID] = p
	}
	p.exists, p.namespace, p.requests = true, namespaceOf(pod), requestsOf(pod)
	shown := instancesOf(pod)
	for i := range p.instances {
		have := &p.instances[i]
		if have.End == open && !slices.ContainsFunc(shown, func(s instance) bool { return s.container == have.container && s.Start == have.Start }) {
			// Its end was not seen, and is not shown any more: it was before the next start.
			have.End = at.Unix()
			for _, s := range shown {
				if s.container == have.container && s.Start > have.Start {
					have.End = min(have.End, s.Start)
				}
			}
			have.End = max(have.End, have.Start)
		}
	}
	for _, s := range shown {
		p.add(s, pod, at)
	}
	p.forget(k.until)
}

// add takes over one instance that the pod shows.
func (p *knownPod) add(s instance, pod *corev1.Pod, at time.Time) {
	index := slices.IndexFunc(p.instances, func(have instance) bool { return s.container == have.container && s.Start == have.Start })
	if s.End == open && ended(pod) {
		if index >= 0 && p.instances[index].End != open {
			return // the end was found before
		}
		end := endOf(pod)
		if end.IsZero() {
			end = at
		}
		s.End = max(end.Unix(), s.Start)
	}
	if index >= 0 {
		p.instances[index] = s
	} else {
		p.instances = append(p.instances, s)
	}
}

// gone takes over the last state of a pod that does not exist any more. at is when its containers
// stopped at the latest.
func (k *known) gone(pod *corev1.Pod, at time.Time) {
	k.observe(pod, at)
	p := k.pods[pod.UID]
	p.exists = false
	for i := range p.instances {
		if p.instances[i].End == open {
			p.instances[i].End = max(at.Unix(), p.instances[i].Start)
		}
	}
}

// forget forgets the instances that ended before until.
func (p *knownPod) forget(until int64) {
	p.instances = slices.DeleteFunc(p.instances, func(i instance) bool { return i.End <= until })
}

// counted says that the ledger has counted all time until a time.
func (k *known) counted(until int64) {
	k.until = until
	maps.DeleteFunc(k.pods, func(_ types.UID, p *knownPod) bool {
		p.forget(until)
		return !p.exists && len(p.instances) == 0
	})
}

// has reports whether the watch of this process has told about a pod.
func (k *known) has(uid types.UID) bool { return k.pods[uid] != nil }

// meters returns what is known, for each container and each pod that requests something.
func (k *known) meters() map[meterKey]Meter {
	result := map[meterKey]Meter{}
	for uid, p := range k.pods {
		ran := map[string][]Interval{}
		for _, i := range p.instances {
			ran[i.container] = append(ran[i.container], i.Interval)
			ran[""] = append(ran[""], i.Interval) // the pod, while any container runs
		}
		for container, intervals := range ran {
			if requests := p.requests[container]; len(requests) > 0 {
				result[meterKey{uid, container}] = Meter{Namespace: p.namespace, Requests: requests, Ran: union(intervals)}
			}
		}
	}
	return result
}

// limit forgets the pods that ended first, of those that do not exist any more, if there are more than a
// number. It reports whether there were.
func (k *known) limit(number int) bool {
	type goneAt struct {
		uid types.UID
		end int64
	}
	var gone []goneAt
	for uid, p := range k.pods {
		if !p.exists {
			end := int64(0)
			for _, i := range p.instances {
				end = max(end, i.End)
			}
			gone = append(gone, goneAt{uid, end})
		}
	}
	if len(gone) <= number {
		return false
	}
	slices.SortFunc(gone, func(a, b goneAt) int { return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.uid, b.uid)) })
	for _, g := range gone[:len(gone)-number] {
		delete(k.pods, g.uid)
	}
	return true
}
