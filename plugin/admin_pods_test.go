package plugin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

var (
	pageNow  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	pageTime = func(ago time.Duration) metav1.Time { return metav1.NewTime(pageNow.Add(-ago)) }
)

// programSecret is what a user's program may have printed, or have in its command.
const programSecret = "Pr0gramOutputCanary"

// pagePod returns a remote pod that was created a minute ago and is scheduled, changed.
func pagePod(change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "offloading-bio", Name: "job-1234", UID: "remote-uid", CreationTimestamp: pageTime(time.Minute),
			Labels: map[string]string{wire.LabelPodUID: "local-uid"},
			Annotations: map[string]string{
				wire.AnnotationSourceNamespace: "bio", wire.AnnotationSourceName: "job", wire.AnnotationSourceNode: "virtual",
			},
		},
		Spec: corev1.PodSpec{NodeName: "worker", Containers: []corev1.Container{{Name: "main"}}},
		Status: corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: pageTime(58 * time.Second)},
		}},
	}
	change(pod)
	return pod
}

func containerWaits(reason, message string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}
	}
}

func unschedulable(pod *corev1.Pod) {
	pod.Spec.NodeName = ""
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no node has a GPU"}}
}

func older(by time.Duration, change func(*corev1.Pod)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		change(pod)
		pod.CreationTimestamp = pageTime(by)
	}
}

func terminatedMain(phase corev1.PodPhase, code int32, reason string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.Phase = phase
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", RestartCount: 2, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: code, Reason: reason, Message: "the token is " + programSecret, StartedAt: pageTime(50 * time.Second), FinishedAt: pageTime(10 * time.Second),
		}}}}
	}
}

// What a row says about a pod: phase, reason, message, whether somebody should look.
func TestRowsOfThePage(t *testing.T) {
	for name, test := range map[string]struct {
		change                 func(*corev1.Pod)
		phase, reason, message string
		stuck                  bool
	}{
		"new":              {func(p *corev1.Pod) { p.Status = corev1.PodStatus{}; p.Spec.NodeName = "" }, "Pending", "", "", false},
		"waiting":          {unschedulable, "Pending", "Unschedulable", "no node has a GPU", false},
		"waiting for long": {older(10*time.Minute, unschedulable), "Pending", "Unschedulable", "no node has a GPU", true},
		"gated": {func(p *corev1.Pod) {
			unschedulable(p)
			p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: wire.GateDependents}}
		}, "Pending", "SchedulingGated", "the pod starts when the objects that it needs exist", false},
		"creating":             {containerWaits("ContainerCreating", ""), "Pending", "ContainerCreating", "", false},
		"creating for long":    {older(time.Hour, containerWaits("ContainerCreating", "")), "Pending", "ContainerCreating", "", true},
		"scheduled":            {func(*corev1.Pod) {}, "Pending", "ContainerCreating", "", false},
		"no image":             {containerWaits("ImagePullBackOff", `Back-off pulling image "x"`), "Pending", "ImagePullBackOff", `Back-off pulling image "x"`, true},
		"no Secret":            {containerWaits("CreateContainerConfigError", `secret "s" not found`), "Pending", "CreateContainerConfigError", `secret "s" not found`, true},
		"command with secrets": {containerWaits("RunContainerError", `exec: "sh -c `+programSecret+`": not found`), "Pending", "RunContainerError", "", true},
		"unknown reason":       {containerWaits("SomethingNew", programSecret), "Pending", "SomethingNew", "", true},
		"crashes": {func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodRunning
			containerWaits("CrashLoopBackOff", "back-off restarting failed container")(p)
		}, "Running", "CrashLoopBackOff", "", true},
		"the init container says more": {func(p *corev1.Pod) {
			containerWaits("PodInitializing", "")(p)
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "init", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such image"}}}}
		}, "Pending", "ErrImagePull", "no such image", true},
		"runs": {func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodRunning
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: pageTime(50 * time.Second)}}}}
		}, "Running", "", "", false},
		"succeeded": {terminatedMain(corev1.PodSucceeded, 0, "Completed"), "Succeeded", "", "", false},
		"failed":    {terminatedMain(corev1.PodFailed, 137, "OOMKilled"), "Failed", "OOMKilled", "container main ended with exit code 137", false},
		"evicted": {func(p *corev1.Pod) {
			terminatedMain(corev1.PodFailed, 137, "Error")(p)
			p.Status.Reason, p.Status.Message = "Evicted", "The node was low on resource: memory."
		}, "Failed", "Evicted", "The node was low on resource: memory.", false},
		"deleted":          {func(p *corev1.Pod) { at := pageTime(-20 * time.Second); p.DeletionTimestamp = &at }, "Terminating", "", "", false},
		"deleted for long": {func(p *corev1.Pod) { at := pageTime(2 * time.Minute); p.DeletionTimestamp = &at }, "Terminating", "", "", true},
		"deleted with a finalizer": {func(p *corev1.Pod) {
			at := pageTime(2 * time.Minute)
			p.DeletionTimestamp, p.Finalizers = &at, []string{"example.org/keep"}
		}, "Terminating", "Finalizers", "the pod exists until these finalizers are removed: example.org/keep", true},
		"mesh failed": {func(p *corev1.Pod) { p.Annotations[wire.AnnotationFailed] = programSecret }, "Pending", "MeshFailed", "the mesh of the pod failed to start; its output is in the pod's status", true},
		"orphan": {func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodRunning
			p.Annotations[wire.AnnotationUnaskedSince] = "2026-03-01T11:00:00Z"
		}, "Running", "Orphan", "the virtual node does not ask about the pod any more", true},
	} {
		t.Run(name, func(t *testing.T) {
			row := pageRow(pagePod(test.change), pageNow)
			if row.Phase != test.phase || row.Reason != test.reason || row.Message != test.message || row.Stuck != test.stuck {
				t.Errorf("the row is %s, %q, %q, stuck: %t", row.Phase, row.Reason, row.Message, row.Stuck)
			}
			if row.Namespace != "bio" || row.Name != "job" || row.RemoteNamespace != "offloading-bio" || row.RemoteName != "job-1234" || row.VirtualNode != "virtual" {
				t.Errorf("the row is %+v", row)
			}
			details := fmt.Sprintf("%+v", pageDetails(pagePod(test.change), nil, pageNow))
			if strings.Contains(details, programSecret) {
				t.Errorf("the page shows what a program printed: %s", details)
			}
		})
	}
}

// The rows follow the pods, also where a pod has the name of another one that is gone, and need attention when their time comes.
func TestTheRowsFollowThePods(t *testing.T) {
	rows := &pageRows{}
	rows.change(pagePod(containerWaits("ContainerCreating", "")))
	shown := func(now time.Time) string {
		text := ""
		for _, kept := range rows.all() {
			text += fmt.Sprintf("%s %s %t %s;", kept.row.RemoteName, kept.row.Phase, kept.at(now).Stuck, kept.uid)
		}
		return text
	}
	expect := func(now time.Time, want string) {
		t.Helper()
		if got := shown(now); got != want {
			t.Errorf("the rows are %q, want %q", got, want)
		}
	}
	expect(pageNow, "job-1234 Pending false local-uid;")
	expect(pageNow.Add(stuckAfter), "job-1234 Pending true local-uid;") // nothing has changed but the time
	newer := pagePod(func(p *corev1.Pod) {
		p.UID, p.Status.Phase = "newer", corev1.PodRunning
		p.Annotations[wire.AnnotationUnaskedSince] = "2026-03-01T11:00:00Z"
	})
	rows.change(newer)
	rows.forget(pagePod(func(*corev1.Pod) {})) // the one before
	expect(pageNow, "job-1234 Running true local-uid;")
	if !rows.has("offloading-bio", "job-1234") || rows.has("offloading-bio", "job") || rows.all()[0].marked == "" {
		t.Error("the row is not found by its name, or has no mark")
	}
	rows.forget(newer)
	expect(pageNow, "")
}

func TestTimeline(t *testing.T) {
	event := func(ago time.Duration, reason, message string) corev1.Event {
		return corev1.Event{Reason: reason, Message: message, LastTimestamp: pageTime(ago), Type: corev1.EventTypeNormal}
	}
	pulled := []corev1.Event{event(57*time.Second, "Pulling", "Pulling image"), event(53*time.Second, "Pulled", "Pulled image"), event(55*time.Second, "Pulled", "earlier")}
	for name, test := range map[string]struct {
		change func(*corev1.Pod)
		events []corev1.Event
		want   []string
	}{
		"pending":        {unschedulable, nil, []string{"Created 60s", "Scheduled -", "Pulled -", "Running -", "Ended -"}},
		"pulling":        {func(*corev1.Pod) {}, pulled[:1], []string{"Created 60s", "Scheduled 58s to worker", "Pulled - Pulling image", "Running -", "Ended -"}},
		"ended":          {terminatedMain(corev1.PodFailed, 3, "Error"), pulled, []string{"Created 60s", "Scheduled 58s to worker", "Pulled 53s Pulled image", "Running 50s restarts since then: 2", "Ended 10s main: exit code 3"}},
		"without events": {terminatedMain(corev1.PodSucceeded, 0, "Completed"), nil, []string{"Created 60s", "Scheduled 58s to worker", "Running 50s restarts since then: 2", "Ended 10s"}},
		"evicted before it ran": {func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }, nil,
			[]string{"Created 60s", "Scheduled 58s to worker", "Pulled -", "Ended 58s"}},
		"stored, and deleted": {func(p *corev1.Pod) {
			at, grace := pageTime(-20*time.Second), int64(30)
			p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &at, &grace
			p.Annotations[wire.AnnotationFromStoredRequest] = "x"
		}, nil, []string{"Created 60s after a wait for a quota", "Scheduled 58s to worker", "Pulled -", "Running -", "Ended -", "Deleted 10s with a grace period of 30s"}},
		"orphan": {func(p *corev1.Pod) {
			p.Annotations[wire.AnnotationUnaskedSince] = pageNow.Add(-5 * time.Second).Format(time.RFC3339Nano)
		}, nil,
			[]string{"Created 60s", "Scheduled 58s to worker", "Pulled -", "Running -", "Ended -", "Marked 5s the virtual node does not ask about the pod any more"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, step := range timelineOf(pagePod(test.change), test.events) {
				at := "-"
				if !step.At.IsZero() {
					at = fmt.Sprintf("%.0fs", pageNow.Sub(step.At).Seconds())
				}
				got = append(got, strings.TrimSpace(step.Name+" "+at+" "+step.Note))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the timeline (-want +got):\n%s", diff)
			}
		})
	}
}

func TestObjectsAndWarningsOfAPod(t *testing.T) {
	pod := pagePod(func(p *corev1.Pod) {
		p.Annotations[wire.AnnotationOwned] = "configmaps/c,secrets/s,services/bastion-1,unknown/x"
		p.Annotations[wire.AnnotationClaims] = "data,scratch"
		p.Annotations[wire.AnnotationWarnings] = "one\ntwo"
	})
	details := pageDetails(pod, nil, pageNow)
	want := []admin.Object{{Resource: "configmaps", Name: "c"}, {Resource: "secrets", Name: "s"}, {Resource: "services", Name: "bastion-1"}, claimObject("data"), claimObject("scratch")}
	if diff := cmp.Diff(want, details.Objects); diff != "" {
		t.Errorf("the objects (-want +got):\n%s", diff)
	}
	if details.Pod.Warnings != 2 || len(details.Warnings) != 2 || details.UID != "local-uid" || details.RemoteUID != "remote-uid" {
		t.Errorf("the details are %+v", details)
	}
}

// asked counts what an observer learns.
type asked struct{ pods, mentions int }

func (a *asked) Asked(pods []corev1.Pod) { a.pods += len(pods) }

func (a *asked) Mentioned(string) { a.mentions++ }

func TestPollsAreBounded(t *testing.T) {
	next := &asked{}
	p := &polls{next: next}
	pods := make([]corev1.Pod, 1000)
	for round := range 60 {
		for i := range pods {
			pods[i].UID = types.UID(fmt.Sprint(round*1000 + i))
		}
		p.Asked(pods)
		if len(p.at) > maxPolls {
			t.Fatalf("%d pods are remembered", len(p.at))
		}
	}
	p.Mentioned("x")
	if next.pods != 60_000 || next.mentions != 1 {
		t.Errorf("the next observer learns of %d pods and %d mentions", next.pods, next.mentions)
	}
	if p.last("59999").IsZero() || !p.last("0").IsZero() || !p.last("x").IsZero() {
		t.Error("the polls are not those of the last requests")
	}
	p.forget("59999")
	if !p.last("59999").IsZero() {
		t.Error("a pod that is gone is remembered")
	}
	(&polls{}).Asked(pods) // without another observer
	(&polls{}).Mentioned("x")
}

func TestPercent(t *testing.T) {
	for _, test := range []struct {
		used, offered float64
		want          int
	}{{0, 0, 0}, {0, 8, 0}, {1, 0, 100}, {9, 8, 100}, {8, 8, 100}, {2, 8, 25}, {-1, 8, 0}, {7.99, 8, 99}} {
		if got := percent(test.used, test.offered); got != test.want {
			t.Errorf("percent(%v, %v) = %d, want %d", test.used, test.offered, got, test.want)
		}
	}
}
