package accounting_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"sort"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// run is one run of a container, in seconds since 1970.
type run struct{ start, end int64 }

// workload is a pod with all that will happen to it.
type workload struct {
	uid       types.UID
	namespace string
	requests  []corev1.ResourceList // of each container
	whole     corev1.ResourceList
	runs      [][]run // of each container; the last of the init container ends before the others start
	delay     int64   // of the kubelet
	deleted   int64   // when the pod object is deleted
	missed    bool    // a replica did not see that it is deleted
}

// pod returns the pod as its kubelet sees it at a time.
func (w *workload) pod(at int64) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		UID: w.uid, Name: string(w.uid),
		Labels:      map[string]string{wire.LabelInstance: "here"},
		Annotations: map[string]string{wire.AnnotationSourceNamespace: w.namespace},
	}}
	if w.whole != nil {
		pod.Spec.Resources = &corev1.ResourceRequirements{Requests: w.whole}
	}
	for i, requests := range w.requests {
		name := fmt.Sprintf("c%d", i)
		c := corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Requests: requests}}
		status := corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}}
		var shown []corev1.ContainerState
		for _, r := range w.runs[i] {
			start, end := metav1.Unix(r.start, 0), metav1.Unix(r.end, 0)
			switch {
			case r.start > at:
			case r.end > at:
				shown = append(shown, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: start}})
			default:
				shown = append(shown, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: start, FinishedAt: end}})
			}
		}
		if n := len(shown); n > 0 {
			status.State = shown[n-1]
			if n > 1 {
				status.LastTerminationState = shown[n-2]
			}
		}
		if i == 0 {
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
			pod.Status.InitContainerStatuses = append(pod.Status.InitContainerStatuses, status)
		} else {
			pod.Spec.Containers = append(pod.Spec.Containers, c)
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, status)
		}
	}
	return pod
}

// reports returns when the kubelet reports something.
func (w *workload) reports() []int64 {
	times := []int64{}
	for _, runs := range w.runs {
		for _, r := range runs {
			times = append(times, r.start+w.delay, r.end+w.delay)
		}
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	return times
}

// truth adds what a workload used, in thousandths; it counts second by second, not as the plugin does.
func (w *workload) truth(sums map[string]*big.Int) { w.truthUntil(sums, math.MaxInt64) }

// truthUntil is like truth, until a time.
func (w *workload) truthUntil(sums map[string]*big.Int, until int64) {
	add := func(list corev1.ResourceList, skip corev1.ResourceList, seconds int64) {
		for name, q := range list {
			if _, ok := skip[name]; ok {
				continue
			}
			key := w.namespace + " " + string(name)
			if sums[key] == nil {
				sums[key] = &big.Int{}
			}
			value := q.DeepCopy()
			milli := big.NewInt(value.MilliValue())
			if name != corev1.ResourceCPU {
				milli = new(big.Int).Mul(big.NewInt(value.Value()), big.NewInt(1000))
			}
			sums[key].Add(sums[key], new(big.Int).Mul(milli, big.NewInt(seconds)))
		}
	}
	running := map[int64]bool{}
	for i, runs := range w.runs {
		for _, r := range runs {
			end := min(r.end, until)
			if end <= r.start {
				continue
			}
			add(w.requests[i], w.whole, end-r.start)
			if w.whole != nil {
				for at := r.start; at < end; at++ {
					running[at] = true
				}
			}
		}
	}
	if len(running) > 0 {
		add(w.whole, nil, int64(len(running)))
	}
}

// workloads returns the pods of a day that begins at a time.
func workloads(random *rand.Rand, number int, begin, end int64) []*workload {
	list := func(cpu, memory string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
	}
	kinds := []corev1.ResourceList{
		nil, list("1", "1Gi"), list("250m", "64Mi"), list("64", "1Ti"),
		{"nvidia.com/gpu": resource.MustParse("4"), corev1.ResourceCPU: resource.MustParse("333m")},
		{corev1.ResourceEphemeralStorage: resource.MustParse("7G")},
	}
	var result []*workload
	for i := range number {
		w := &workload{
			uid: types.UID(fmt.Sprintf("%08x", i)), namespace: fmt.Sprintf("team-%d", random.IntN(7)),
			delay: random.Int64N(60),
		}
		if random.IntN(4) == 0 {
			w.whole = list("3", "2Gi")
		}
		at := begin + 600 + random.Int64N(end-begin-3*60*60)
		initEnd := at + 1 + random.Int64N(900)
		w.requests, w.runs = append(w.requests, kinds[random.IntN(len(kinds))]), append(w.runs, []run{{at, initEnd}})
		last := initEnd
		for range 1 + random.IntN(2) {
			start := initEnd + random.Int64N(5)
			var runs []run
			for range 1 + random.IntN(3) {
				// Longer than the longest time in which no replica looks: a pod shows its last two runs only.
				stop := start + 1200 + random.Int64N(1200)
				runs = append(runs, run{start, stop})
				last, start = max(last, stop), stop+1+random.Int64N(300)
			}
			w.requests, w.runs = append(w.requests, kinds[random.IntN(len(kinds))]), append(w.runs, runs)
		}
		w.deleted = last + w.delay + 1 + random.Int64N(60)
		result = append(result, w)
	}
	return result
}

// late returns, if late is true, the workload as a replica sees it that has not seen its end: each container ran until
// its kubelet reported the end.
func (w *workload) late(late bool) *workload {
	if !late || !w.missed {
		return w
	}
	other := *w
	other.runs = nil
	for _, runs := range w.runs {
		runs = slices.Clone(runs)
		runs[len(runs)-1].end += w.delay + step
		other.runs = append(other.runs, runs)
	}
	return &other
}
