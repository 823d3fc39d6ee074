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
	// missing says that the pod is gone, and it was not seen how.
	missing bool
}

func newKnown() *known { return &known{pods: map[types.UID]*knownPod{}} }

// observe takes over what a pod shows at a time.
func (k *known) observe(pod *corev1.Pod, at time.Time) {
	p := k.pods[pod.UID]
	if p == nil {
		p = &knownPod{}
		k.pods[pod.UID] = p
	}
	p.exists, p.missing, p.namespace, p.requests = true, false, namespaceOf(pod), requestsOf(pod)
	shown := instancesOf(pod)
	for i := range p.instances {
		have := &p.instances[i]
		if !have.unfinished() || slices.ContainsFunc(shown, func(s instance) bool { return s.container == have.container && s.Start == have.Start }) {
			continue
		}
		// Its end was not seen, and is not shown any more: it was before the next start.
		have.End = min(have.End, at.Unix())
		for _, s := range shown {
			if s.container == have.container && s.Start > have.Start {
				have.End = min(have.End, s.Start)
			}
		}
		have.End, have.assumed = max(have.End, have.Start), false
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
		if index >= 0 && !p.instances[index].unfinished() {
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

// missing takes over the last known state of a pod that does not exist any more, and about which it was not
// seen how it ended. at is when the pods were last heard of: containers that ran are assumed to have run until
// then.
func (k *known) missing(pod *corev1.Pod, at time.Time) {
	k.observe(pod, at)
	p := k.pods[pod.UID]
	p.exists, p.missing = false, true
	for i := range p.instances {
		if have := &p.instances[i]; have.End == open {
			have.End, have.assumed = max(at.Unix(), have.Start), true
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

// has reports whether the watch of this process tells, or has told, how a pod ends.
func (k *known) has(uid types.UID) bool { p := k.pods[uid]; return p != nil && !p.missing }

// meters returns what is known, for each container and each pod that requests something.
func (k *known) meters() map[meterKey]Meter {
	result := map[meterKey]Meter{}
	for uid, p := range k.pods {
		of := map[string][]instance{}
		for _, i := range p.instances {
			of[i.container] = append(of[i.container], i)
			of[""] = append(of[""], i) // the pod, while any container runs
		}
		for container, instances := range of {
			if requests := p.requests[container]; len(requests) > 0 {
				ran, assumed := times(instances)
				result[meterKey{uid, container}] = Meter{Namespace: p.namespace, Requests: requests, Ran: ran, Assumed: assumed}
			}
		}
	}
	return result
}

// times returns when any of the instances ran. What is from the start of the first one that is not seen to
// have ended is one interval, which is open or, if it is gone, assumed: so an end after this start, which another
// replica has stored, says that this replica knows more (Ledger.counted).
func times(instances []instance) (ran, assumed []Interval) {
	since, runs := int64(open), false
	all := make([]Interval, 0, len(instances))
	for _, i := range instances {
		if all = append(all, i.Interval); i.unfinished() {
			since, runs = min(since, i.Start), runs || i.End == open
		}
	}
	all = union(all)
	ran, rest := between(all, 0, since), between(all, since, open)
	if runs {
		return append(ran, rest...), nil
	}
	return ran, rest
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
