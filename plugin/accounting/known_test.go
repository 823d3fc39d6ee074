package accounting

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// stated returns a pod with one container in these states; the last one is current.
func stated(phase corev1.PodPhase, states ...corev1.ContainerState) *corev1.Pod {
	status := corev1.ContainerStatus{Name: "main", State: states[len(states)-1]}
	if len(states) > 1 {
		status.LastTerminationState = states[0]
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: "uid", Labels: map[string]string{wire.LabelInstance: ""}, Annotations: map[string]string{wire.AnnotationSourceNamespace: "demo"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")},
		}}}},
		Status: corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{status}},
	}
}

func runsSince(start int64) corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Unix(start, 0)}}
}

func ranUntil(start, end int64) corev1.ContainerState {
	t := &corev1.ContainerStateTerminated{StartedAt: metav1.Unix(start, 0)}
	if end > 0 {
		t.FinishedAt = metav1.Unix(end, 0)
	}
	return corev1.ContainerState{Terminated: t}
}

// with sets when a condition of a pod changed last.
func with(pod *corev1.Pod, condition corev1.PodConditionType, at int64) *corev1.Pod {
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: condition, LastTransitionTime: metav1.Unix(at, 0)})
	return pod
}

// What pods show that have lost their node, or their containers, is taken for as long as it is known that they ran.
func TestEndsThatNoKubeletReports(t *testing.T) {
	running := stated(corev1.PodRunning, runsSince(100))
	unknown := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "ContainerStatusUnknown", ExitCode: 137}}
	for name, test := range map[string]struct {
		shown []*corev1.Pod // at 150, 200, 250 and so on
		gone  bool          // 50 seconds after the last one
		want  []Interval
	}{
		"a pod that runs":                             {shown: []*corev1.Pod{running}, want: []Interval{{100, open}}},
		"a pod that is gone while it runs":            {shown: []*corev1.Pod{running}, gone: true, want: []Interval{{100, 200}}},
		"a node that is lost":                         {shown: []*corev1.Pod{running, with(stated(corev1.PodFailed, runsSince(100)), corev1.DisruptionTarget, 180)}, want: []Interval{{100, 180}}},
		"a node that is lost, and the pod is gone":    {shown: []*corev1.Pod{running, with(stated(corev1.PodFailed, runsSince(100)), corev1.DisruptionTarget, 180)}, gone: true, want: []Interval{{100, 180}}},
		"conditions: the last one counts":             {shown: []*corev1.Pod{with(with(stated(corev1.PodFailed, runsSince(100)), corev1.PodReady, 120), corev1.ContainersReady, 130)}, want: []Interval{{100, 130}}},
		"a condition that says nothing of the end":    {shown: []*corev1.Pod{with(stated(corev1.PodFailed, runsSince(100)), corev1.PodScheduled, 90)}, want: []Interval{{100, 150}}},
		"an end before the start":                     {shown: []*corev1.Pod{with(stated(corev1.PodFailed, runsSince(100)), corev1.PodReady, 90)}},
		"an end without a time":                       {shown: []*corev1.Pod{running, stated(corev1.PodFailed, ranUntil(100, 0))}, want: []Interval{{100, 200}}},
		"an end without a time, never seen to run":    {shown: []*corev1.Pod{stated(corev1.PodFailed, ranUntil(100, 0))}},
		"a container that the kubelet has lost":       {shown: []*corev1.Pod{running, stated(corev1.PodFailed, unknown)}, want: []Interval{{100, 200}}},
		"an end that is found once is not moved":      {shown: []*corev1.Pod{running, stated(corev1.PodFailed, runsSince(100)), stated(corev1.PodFailed, runsSince(100))}, want: []Interval{{100, 200}}},
		"the kubelet comes back and knows the end":    {shown: []*corev1.Pod{running, stated(corev1.PodFailed, runsSince(100)), stated(corev1.PodFailed, ranUntil(100, 160))}, want: []Interval{{100, 160}}},
		"a restart whose end was not seen":            {shown: []*corev1.Pod{running, stated(corev1.PodRunning, runsSince(170))}, want: []Interval{{100, 170}, {170, open}}},
		"a finish before the start counts as nothing": {shown: []*corev1.Pod{stated(corev1.PodFailed, ranUntil(100, 90))}},
		"two runs, the first as the last state":       {shown: []*corev1.Pod{stated(corev1.PodRunning, ranUntil(50, 80), runsSince(100))}, want: []Interval{{50, 80}, {100, open}}},
	} {
		t.Run(name, func(t *testing.T) {
			k, at := newKnown(), int64(100)
			for _, pod := range test.shown {
				at += 50
				k.observe(pod, time.Unix(at, 0))
			}
			if test.gone {
				k.gone(test.shown[len(test.shown)-1], time.Unix(at+50, 0))
			}
			if got := k.meters()[meterKey{"uid", "main"}].Ran; !slices.Equal(got, test.want) {
				t.Errorf("it ran %v, want %v", got, test.want)
			}
		})
	}
}

// A pod that is missing in a list may be there again in the next one: then it knows by itself how it goes on.
func TestAMissingPodIsThereAgain(t *testing.T) {
	running := stated(corev1.PodRunning, runsSince(100))
	for name, test := range map[string]struct {
		again *corev1.Pod
		want  []Interval
	}{
		"it runs":             {running, []Interval{{100, open}}},
		"it has ended":        {stated(corev1.PodFailed, ranUntil(100, 130)), []Interval{{100, 130}}},
		"its node is lost":    {with(stated(corev1.PodFailed, runsSince(100)), corev1.DisruptionTarget, 140), []Interval{{100, 140}}},
		"another run":         {stated(corev1.PodRunning, runsSince(170)), []Interval{{100, 160}, {170, open}}},
		"another run, at 120": {stated(corev1.PodRunning, runsSince(120)), []Interval{{100, 120}, {120, open}}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKnown()
			k.observe(running, time.Unix(150, 0))
			k.missing(running, time.Unix(160, 0))
			gone := k.meters()[meterKey{"uid", "main"}]
			if k.has("uid") || len(gone.Ran) > 0 || !slices.Equal(gone.Assumed, []Interval{{100, 160}}) {
				t.Errorf("while it is missing, %+v is known", gone)
			}
			k.observe(test.again, time.Unix(200, 0))
			if got := k.meters()[meterKey{"uid", "main"}]; !k.has("uid") || len(got.Assumed) > 0 || !slices.Equal(got.Ran, test.want) {
				t.Errorf("%+v is known, want %v", got, test.want)
			}
		})
	}
}

// A local namespace comes from an annotation, which others can write: only what can be the name of a namespace is
// a label.
func TestNamespacesOfHostileAnnotations(t *testing.T) {
	for annotation, want := range map[string]string{
		"demo": "demo", "a-1": "a-1", strings.Repeat("n", 63): strings.Repeat("n", 63),
		"": Unknown, strings.Repeat("n", 64): Unknown, strings.Repeat("n", 1<<18): Unknown, "Demo": Unknown, "-a": Unknown, "a.b": Unknown,
		"../other": Unknown, "a/b": Unknown, "a b": Unknown, "a\nb": Unknown, "a\x00": Unknown, "ä": Unknown, "\xff": Unknown,
		`x",resource="cpu"} 9`: Unknown, Unknown: Unknown, Other: Unknown,
	} {
		pod := stated(corev1.PodRunning, runsSince(1))
		pod.Annotations[wire.AnnotationSourceNamespace] = annotation
		if got := namespaceOf(pod); got != want {
			t.Errorf("the namespace of %.80q is %q, want %q", annotation, got, want)
		}
	}
	if got := namespaceOf(&corev1.Pod{}); got != Unknown {
		t.Errorf("the namespace of a pod without annotations is %q", got)
	}
}

// Of pods that are gone, as many are remembered as there may be; those that exist always are.
func TestPodsThatAreGoneAreLimited(t *testing.T) {
	k := newKnown()
	for i := range int64(5) {
		pod := stated(corev1.PodRunning, runsSince(100))
		pod.UID = types.UID(fmt.Sprint(i))
		if k.observe(pod, time.Unix(100, 0)); i != 0 {
			k.gone(pod, time.Unix(200+i, 0))
		}
	}
	if k.limit(4) || len(k.pods) != 5 {
		t.Errorf("of 4 pods that are gone, %d are left", len(k.pods)-1)
	}
	if !k.limit(2) || !k.has("0") || k.has("1") || k.has("2") || !k.has("3") || !k.has("4") {
		t.Errorf("those that ended last are not left: %v", k.pods)
	}
}

// While nothing can be stored, the memory does not grow without a bound, and the log says what is lost.
func TestMemoryIsBoundedWhileNothingIsStored(t *testing.T) {
	var log strings.Builder
	a := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for i := range int64(goneKept + 7) {
		a.known.pods[types.UID(fmt.Sprint(i))] = &knownPod{instances: []instance{{container: "main", Interval: Interval{1, 2 + i}}}}
	}
	a.judge(errdefs.New(errdefs.Unavailable, "away"))
	if len(a.known.pods) != goneKept || a.known.has("6") || !a.known.has("7") || !strings.Contains(log.String(), "used resources are lost") {
		t.Errorf("%d pods are left, and the log is %.300s", len(a.known.pods), log.String())
	}
}

// Ends for which there is no room until all kubelets have reported are counted at once. What is only assumed is
// left out first.
func TestPendingEndsHaveNoRoom(t *testing.T) {
	const many = 4000 // more than fit, with 60 characters and more for each
	facts := facts{settled: 1000, heard: 2000, has: func(types.UID) bool { return true }, meters: map[meterKey]Meter{}}
	add := func(i int, ran Interval) {
		facts.meters[meterKey{types.UID(fmt.Sprintf("%060d", i)), "main"}] = Meter{
			Namespace: "demo", Requests: map[string]int64{"cpu": 500}, Ran: []Interval{ran},
		}
	}
	for i := range 10 {
		add(i, Interval{1100, 1200})
	}
	begin := &Ledger{Until: 1000}
	if few := begin.next(facts); few.Until != 1000 || len(few.pending) != 10 {
		t.Errorf("with few ends, all until %d is counted, and %d are pending", few.Until, len(few.pending))
	}
	for i := range many {
		add(i, Interval{1100, 1200})
	}
	next := begin.next(facts)
	if got := next.Accounts["demo"].Totals["cpu"]; next.Until != 2000 || got == nil || got.String() != fmt.Sprint(many*50) || len(next.pending) != 0 {
		t.Errorf("with many ends, all until %d is counted: %v, and %d are pending", next.Until, got, len(next.pending))
	}
	// They are counted once, also when the settled time comes there.
	facts.settled, facts.heard = 1500, 2500
	if got := next.next(facts).Accounts["demo"].Totals["cpu"].String(); got != fmt.Sprint(many*50) {
		t.Errorf("afterwards %s is counted", got)
	}

	facts.settled, facts.heard, facts.assume = 1000, 2000, 2000
	for i := range many {
		add(i, Interval{1100, open})
	}
	add(many-1, Interval{1100, 1200})
	full := begin.next(facts)
	if size := len(full.encode()); size > pendingBytes+1000 {
		t.Errorf("the pending ends have %d bytes", size)
	}
	if kept := full.pending[meterKey{types.UID(fmt.Sprintf("%060d", many-1)), "main"}]; len(full.pending) >= many || len(kept.Ran) != 1 {
		t.Errorf("of %d, %d are kept, and the only end that is certain is %v", many, len(full.pending), kept)
	}
}
