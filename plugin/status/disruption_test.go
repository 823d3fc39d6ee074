package status_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// at is a time in the tests of disruptions, in seconds.
func at(seconds int64) metav1.Time { return metav1.Unix(seconds, 0) }

// endsAt is the end of a container at a time.
func endsAt(code int32, seconds int64) corev1.ContainerState {
	s := ends(code)
	s.Terminated.FinishedAt = at(seconds)
	return s
}

// target is the condition of a pod that is disrupted, since second 100.
func target(reason, message string) []corev1.PodCondition {
	return []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: reason, Message: message, LastTransitionTime: at(100)}}
}

// docs/contract.md, STATUS-42: only what the remote cluster does to a pod has the exit code of
// disruptions, and the message says what it did.
func TestDisruptedPods(t *testing.T) {
	const gone, deleted = "RemotePodNotFound: ", "RemotePodNotFound: the remote pod was deleted before it had ended"
	pressure := "The node was low on resource: memory."
	stale := target("PreemptionByScheduler", "preempting")
	stale[0].Status = corev1.ConditionFalse
	withMessage := endsAt(1, 105)
	withMessage.Terminated.Message = "own message"
	unknown := endsAt(137, 105)
	unknown.Terminated.Reason, unknown.Terminated.Message = "ContainerStatusUnknown", "The container could not be located"
	outOfMemory := endsAt(137, 99)
	outOfMemory.Terminated.Reason = "OOMKilled"
	type pod struct {
		reason, message string
		conditions      []corev1.PodCondition
		deleted         bool // from the remote cluster, at second 100
		byUser          bool // the local pod is deleted
		failed          string
		init, main      list
		policy          corev1.RestartPolicy
	}
	for _, test := range []struct {
		name    string
		pod     pod
		want    string
		message string // of the first container
	}{
		{"evicted by a kubelet", pod{reason: "Evicted", message: pressure, conditions: target("TerminationByKubelet", pressure), main: list{is("main", endsAt(137, 100))}},
			"| ; main ended Evicted 250", "Evicted: " + pressure + "; the container itself terminated with exit code 137"},
		{"evicted, Kubernetes before 1.26", pod{reason: "Evicted", message: pressure, main: list{is("main", ends(143))}},
			"| ; main ended Evicted 250", "Evicted: " + pressure + "; the container itself terminated with exit code 143"},
		{"evicted before it started", pod{reason: "Evicted", message: pressure, main: list{is("main", waits("ContainerCreating"))}},
			"| ; main ended Evicted 250", "Evicted: " + pressure},
		{"evicted while an init container ran", pod{reason: "Evicted", message: pressure, init: list{is("init", endsAt(143, 101))}, main: list{is("main", waits("PodInitializing"))},
			conditions: target("TerminationByKubelet", pressure)}, "init ended Evicted 250 ; | ; main ended Evicted 250", "Evicted: " + pressure},
		{"evicted because of its own emptyDir", pod{reason: "Evicted", message: `Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". `, main: list{is("main", runs())}},
			"| ; main ended Evicted 137", `Evicted: Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". `},
		{"evicted because of its own ephemeral storage", pod{reason: "Evicted", message: `Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. `, main: list{is("main", runs())}},
			"| ; main ended Evicted 137", `Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. `},
		{"evicted because of a container's ephemeral storage", pod{reason: "Evicted", message: `Container main exceeded its local ephemeral storage limit "1Mi". `, main: list{is("main", ends(137))}},
			"| ; main ended  137", `Evicted: Container main exceeded its local ephemeral storage limit "1Mi". `},
		{"preempted by the scheduler", pod{conditions: target("PreemptionByScheduler", "default-scheduler: preempting"), deleted: true, main: list{is("main", endsAt(143, 101))}},
			"| ; main ended RemotePodNotFound 250", deleted + ": PreemptionByScheduler: default-scheduler: preempting; the container itself terminated with exit code 143"},
		{"preempted by a critical pod", pod{reason: "Preempting", message: "Preempted in order to admit critical pod", main: list{is("main", runs())}},
			"| ; main ended Preempting 250", "Preempting: Preempted in order to admit critical pod"},
		{"drained", pod{conditions: target("EvictionByEvictionAPI", "Eviction API: evicting"), deleted: true, main: list{is("main", endsAt(1, 104))}},
			"| ; main ended RemotePodNotFound 250", deleted + ": EvictionByEvictionAPI: Eviction API: evicting; the container itself terminated with exit code 1"},
		{"drained, and its program has words of its own", pod{conditions: target("EvictionByEvictionAPI", ""), deleted: true, main: list{is("main", withMessage)}},
			"| ; main ended RemotePodNotFound 250", "own message"},
		{"drained, and ended with 0 on request", pod{conditions: target("EvictionByEvictionAPI", ""), deleted: true, main: list{is("main", endsAt(0, 104)), is("other", endsAt(0, 104))}},
			"| ; main ended RemotePodNotFound 250 ; other ended  0", deleted + ": EvictionByEvictionAPI; the container itself terminated with exit code 0"},
		{"shutdown of the node", pod{reason: "Terminated", message: "Pod was terminated in response to imminent node shutdown.", main: list{is("main", unknown)}},
			"| ; main ended Terminated 250", "Terminated: Pod was terminated in response to imminent node shutdown."},
		{"node lost", pod{reason: "NodeLost", main: list{is("main", runs())}}, "| ; main ended NodeLost 250", "NodeLost"},
		{"node removed", pod{conditions: target("DeletionByPodGC", "PodGC: node no longer exists"), main: list{is("main", runs())}},
			"| ; main ended DeletionByPodGC 250", "DeletionByPodGC: PodGC: node no longer exists"},
		{"deleted by another client", pod{deleted: true, main: list{is("main", endsAt(137, 130))}},
			"| ; main ended RemotePodNotFound 250", deleted + "; the container itself terminated with exit code 137"},
		{"deleted by another client between two runs", pod{deleted: true, policy: "OnFailure", main: list{is("main", endsAt(1, 98))}},
			"| ; main ended RemotePodNotFound 250", deleted + "; the container itself terminated with exit code 1"},

		{"drained, at a node whose clock is late", pod{conditions: target("EvictionByEvictionAPI", ""), deleted: true, main: list{is("main", endsAt(143, 98))}},
			"| ; main ended RemotePodNotFound 250", deleted + ": EvictionByEvictionAPI; the container itself terminated with exit code 143"},
		{"deleted by another client, at a node whose clock is late", pod{deleted: true, main: list{is("main", endsAt(137, 98)), is("other", endsAt(0, 50))}},
			"| ; main ended RemotePodNotFound 250 ; other ended  0", deleted + "; the container itself terminated with exit code 137"},

		{"killed long before it was drained", pod{conditions: target("EvictionByEvictionAPI", ""), deleted: true, main: list{is("main", endsAt(143, 97))}}, "| ; main ended  143", ""},
		{"out of memory, then drained", pod{conditions: target("EvictionByEvictionAPI", ""), deleted: true, main: list{is("main", outOfMemory)}}, "| ; main ended OOMKilled 137", ""},
		{"failed, then drained", pod{conditions: target("EvictionByEvictionAPI", ""), deleted: true, main: list{is("main", endsAt(42, 99))}}, "| ; main ended  42", ""},
		{"failed, then deleted by another client", pod{deleted: true, main: list{is("main", endsAt(3, 99))}}, "| ; main ended  3", ""},
		{"an init container failed, then the pod was drained", pod{conditions: target("EvictionByEvictionAPI", ""), deleted: true,
			init: list{is("init", endsAt(3, 99))}, main: list{is("main", waits("PodInitializing"))}},
			"init ended  3 ; | ; main ended PodFailed 137", "init container init terminated with exit code 3"},
		{"one container failed before, the other was drained", pod{conditions: target("EvictionByEvictionAPI", ""), deleted: true, main: list{is("main", endsAt(42, 20)), is("other", endsAt(143, 101))}},
			"| ; main ended  42 ; other ended RemotePodNotFound 250", ""},
		{"one container succeeded before, the other was drained", pod{conditions: target("EvictionByEvictionAPI", ""), deleted: true, main: list{is("main", endsAt(0, 20)), is("other", endsAt(143, 101))}},
			"| ; main ended  0 ; other ended RemotePodNotFound 250", ""},
		{"deleted by its user", pod{deleted: true, byUser: true, main: list{is("main", endsAt(143, 101))}}, "| ; main ended  143", ""},
		{"its deadline passed, then it was drained", pod{reason: "DeadlineExceeded", conditions: target("EvictionByEvictionAPI", ""), deleted: true, main: list{is("main", endsAt(143, 101))}},
			"| ; main ended  143", "DeadlineExceeded"},
		{"its mesh failed, then it was deleted", pod{reason: "DeadlineExceeded", deleted: true, failed: "no tun", main: list{is("main", waits("PodInitializing"))}},
			"| ; main ended MeshFailed 137", "the mesh network failed to start: no tun"},
		{"was chosen for preemption, which did not happen", pod{conditions: stale, main: list{is("main", endsAt(3, 200))}}, "| ; main ended  3", ""},
		{"out of memory", pod{main: list{is("main", endsAt(137, 200))}}, "| ; main ended  137", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var names []string
			for _, s := range append(test.pod.init, test.pod.main...) {
				names = append(names, s.Name)
			}
			policy := test.pod.policy
			if policy == "" {
				policy = corev1.RestartPolicyNever
			}
			requested, remote := pods(policy, corev1.PodStatus{
				Phase: corev1.PodFailed, Reason: test.pod.reason, Message: test.pod.message, Conditions: test.pod.conditions,
				InitContainerStatuses: test.pod.init, ContainerStatuses: test.pod.main,
			}, names...)
			if test.pod.deleted {
				remote.DeletionTimestamp, remote.DeletionGracePeriodSeconds = ptr.To(at(130)), ptr.To[int64](30)
			}
			if test.pod.byUser {
				requested.DeletionTimestamp = ptr.To(at(130))
			}
			if test.pod.failed != "" {
				remote.Annotations = map[string]string{wire.AnnotationFailed: test.pod.failed}
			}
			answer := status.Options{DisruptedExitCode: 250}.Of(requested, status.CachedFields(remote))
			if got := briefly(answer); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if got := answer.Containers[0].State.Terminated.Message; got != test.message && (test.message != "" || strings.Contains(got, gone)) {
				t.Errorf("the message is %q, want %q", got, test.message)
			}
			l := newLocalCluster(requested)
			if err := l.report(answer); err != nil || l.phase != corev1.PodFailed {
				t.Errorf("the local pod becomes %s: %v", l.phase, err)
			}
			usual := briefly(status.Of(requested, remote))
			if want := strings.ReplaceAll(test.want, " 250", " 137"); usual != want {
				t.Errorf("with the default exit code: got %s, want %s", usual, want)
			}
		})
	}
}

// The kubelet deletes a pod once more when its containers have stopped, with a grace period of 0: the
// deletion timestamp, which was the end of the grace period, then is that moment. Seen on a real
// kubelet: deleted at 23, grace period 1, ended at 25, timestamp 27.
func TestDeletionThatTheKubeletCompletes(t *testing.T) {
	for _, test := range []struct {
		name       string
		finalizers []string
		main       list
		want       string
	}{
		{"one container", nil, list{is("main", endsAt(137, 125))}, "| ; main ended RemotePodNotFound 250"},
		{"one container had failed long before", nil, list{is("main", endsAt(42, 20)), is("other", endsAt(143, 125))}, "| ; main ended  42 ; other ended RemotePodNotFound 250"},
		{"a pod with a finalizer had failed before", []string{"example.org/keep"}, list{is("main", endsAt(3, 125))}, "| ; main ended  3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var names []string
			for _, s := range test.main {
				names = append(names, s.Name)
			}
			requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: test.main}, names...)
			remote.DeletionTimestamp, remote.DeletionGracePeriodSeconds = ptr.To(at(127)), new(int64)
			remote.Spec.TerminationGracePeriodSeconds = ptr.To[int64](1)
			remote.Finalizers = test.finalizers
			answer := status.Options{DisruptedExitCode: 250}.Of(requested, status.CachedFields(remote))
			if got := briefly(answer); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// docs/contract.md, STATUS-34 and STATUS-42: a pod that the remote cluster does not have any
// more, unless its user deletes it.
func TestVanishedPods(t *testing.T) {
	requested, _ := pods(corev1.RestartPolicyNever, corev1.PodStatus{}, "init", "main")
	requested.Annotations = map[string]string{wire.AnnotationJobID: "jid"}
	of := status.Options{DisruptedExitCode: 250}.Of
	if got := briefly(of(requested, nil)); got != "init ended RemotePodNotFound 250 ; | ; main ended RemotePodNotFound 250" {
		t.Errorf("vanished: %s", got)
	}
	requested.DeletionTimestamp = ptr.To(at(1))
	if got := briefly(of(requested, nil)); got != "init ended RemotePodNotFound 137 ; | ; main ended RemotePodNotFound 137" {
		t.Errorf("deleted by its user: %s", got)
	}
}

// disrupt gives a generated remote pod the times of its ends, and sometimes what the remote
// cluster writes when it disrupts a pod.
func disrupt(random *rand.Rand, remote *corev1.Pod) {
	for _, statuses := range [][]corev1.ContainerStatus{remote.Status.InitContainerStatuses, remote.Status.ContainerStatuses} {
		for i := range statuses {
			if end := statuses[i].State.Terminated; end != nil && random.IntN(4) > 0 {
				end.FinishedAt = at(90 + random.Int64N(20))
			}
		}
	}
	if random.IntN(4) == 0 {
		remote.Status.Conditions = append(remote.Status.Conditions, target("EvictionByEvictionAPI", "evicting")...)
	}
	if remote.DeletionTimestamp != nil {
		remote.DeletionTimestamp, remote.DeletionGracePeriodSeconds = ptr.To(at(130)), ptr.To[int64](30)
	}
}

// TestDisruptionsChangeExitCodesOnly checks over generated pods that the option changes exit
// codes and nothing else, that the virtual kubelet accepts the answers, and that pods that their
// users delete keep their exit codes.
func TestDisruptionsChangeExitCodesOnly(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 18))
	of := status.Options{DisruptedExitCode: 250}.Of
	changed := 0
	for i := range generated / 4 {
		requested, remote := generate(random)
		disrupt(random, remote)
		usual, answer := status.Of(requested, remote), of(requested, remote)
		if err := checkHistories(random, of, requested, remote); err != nil {
			t.Fatalf("pod %d: %v\n%s", i, err, show(requested, remote))
		}
		for _, both := range [][2]list{{usual.InitContainers, answer.InitContainers}, {usual.Containers, answer.Containers}} {
			for j := range both[0] {
				before, after := both[0][j].State.Terminated, both[1][j].State.Terminated
				if (before == nil) != (after == nil) || after != nil && after.ExitCode != before.ExitCode && (before.ExitCode != 137 || after.ExitCode != 250) {
					t.Fatalf("pod %d: container %s ends as %+v and as %+v\n%s", i, both[0][j].Name, before, after, show(requested, remote))
				}
				if after != nil && after.ExitCode == 250 {
					changed++
				}
			}
		}
		requested.DeletionTimestamp = ptr.To(at(130))
		if got := briefly(of(requested, remote)); strings.Contains(got, " 250") {
			t.Fatalf("pod %d: its user deletes it, and it is reported as %s\n%s", i, got, show(requested, remote))
		}
	}
	if changed < 500 {
		t.Errorf("only %d containers were disrupted", changed)
	}
}
