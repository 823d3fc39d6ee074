package lifecycle_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/lifecycle"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// disrupted sets the exit code of disruptions.
func disrupted(code int32) option {
	return func(o *lifecycle.Options) { o.Status.DisruptedExitCode = code }
}

// statusOf returns the reported state of the first container of a pod.
func (e *env) statusOf(r *wire.CreateRequest, jid string) corev1.ContainerState {
	e.t.Helper()
	answer, err := e.Status(e.t.Context(), []corev1.Pod{localPod(r, jid)})
	e.must(err)
	if len(answer) != 1 || len(answer[0].Containers) != 1 {
		e.t.Fatalf("Status returns %+v", answer)
	}
	return answer[0].Containers[0].State
}

// docs/contract.md, STATUS-34 and STATUS-42: a pod that ended and was deleted by another client
// before its status was asked for keeps its end. One that ran is disrupted.
func TestPodsThatAnotherClientDeletes(t *testing.T) {
	ended := func(code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Done"}}
	}
	for name, test := range map[string]struct {
		phase corev1.PodPhase
		state corev1.ContainerState
		want  int32
	}{
		"succeeded": {corev1.PodSucceeded, ended(0), 0},
		"failed":    {corev1.PodFailed, ended(3), 3},
		"ran":       {corev1.PodRunning, corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, 250},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, disrupted(250))
			r := plainRequest()
			r.Pod.Spec.RestartPolicy = corev1.RestartPolicyNever
			jid := e.create(r).PodJID
			e.setStatus(e.remotePod(r), func(s *corev1.PodStatus) {
				s.Phase, s.ContainerStatuses = test.phase, []corev1.ContainerStatus{{Name: "main", State: test.state}}
			})
			e.eventually("the pod cache has the phase", func() bool {
				pod := e.cluster.CachedPod(string(r.Pod.UID))
				return pod != nil && pod.Status.Phase == test.phase
			})
			e.must(e.admin.CoreV1().Pods(e.namespace).Delete(t.Context(), jid, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}))
			e.eventually("the pod cache drops the pod", func() bool { return e.cluster.CachedPod(string(r.Pod.UID)) == nil })
			for range 2 { // the answer stays
				end := e.statusOf(r, jid).Terminated
				if end == nil || end.ExitCode != test.want {
					t.Fatalf("the container is reported as %+v, want exit code %d", end, test.want)
				}
				if lost := strings.Contains(end.Message, status.ReasonNotFound); lost != (name == "ran") {
					t.Errorf("the message is %q", end.Message)
				}
			}
			if restarted := e.replica(forgetful{e.cluster}); name == "succeeded" { // it has not seen the end
				answer, err := restarted.Status(t.Context(), []corev1.Pod{localPod(r, jid)})
				e.must(err)
				if end := answer[0].Containers[0].State.Terminated; end == nil || end.ExitCode != 250 {
					t.Errorf("after a restart, the container is reported as %+v", end)
				}
			}
		})
	}
}

// forgetful is a cluster that has seen no pod end.
type forgetful struct{ lifecycle.Cluster }

func (forgetful) EndedPod(string) *corev1.Pod { return nil }

// A pod that is created again after its remote pod had ended and was deleted has the status of
// the new remote pod, also as long as only the API server has that.
func TestPodThatIsCreatedAgainAfterItsEnd(t *testing.T) {
	e := newEnv(t)
	r := plainRequest()
	jid := e.create(r).PodJID
	e.setStatus(e.remotePod(r), func(s *corev1.PodStatus) { s.Phase = corev1.PodSucceeded })
	e.must(e.admin.CoreV1().Pods(e.namespace).Delete(t.Context(), jid, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}))
	e.eventually("the end of the pod is remembered, and the pod cache drops it", func() bool {
		uid := string(r.Pod.UID) // the memory has the pod a moment before the cache drops it
		return e.cluster.EndedPod(uid) != nil && e.cluster.CachedPod(uid) == nil
	})
	e.create(r)
	answer, err := e.replica(emptyCache{e.cluster}).Status(t.Context(), []corev1.Pod{localPod(r, jid)})
	e.must(err)
	if answer[0].Containers[0].State.Waiting == nil {
		t.Errorf("the new pod is reported as %+v", answer[0].Containers[0].State)
	}
}

// docs/contract.md, STATUS-44: what an event says about a pod that waits is in the message of its
// first container, and gone when the pod runs. The plugin cannot list events in the second run.
func TestEventsReachTheMessage(t *testing.T) {
	for _, permitted := range []bool{true, false} {
		t.Run(map[bool]string{true: "permitted", false: "not permitted"}[permitted], func(t *testing.T) {
			e := newEnv(t, func(o *lifecycle.Options) { o.Events = true })
			e.SetEventsAfter(0)
			if !permitted {
				e.faults.set(func(_ int, call string) fault {
					if call == "GET events" {
						return forbidden
					}
					return ""
				})
			}
			r := plainRequest()
			jid := e.create(r).PodJID
			remote := e.remotePod(r)
			_, err := e.admin.CoreV1().Events(e.namespace).Create(t.Context(), &corev1.Event{
				ObjectMeta: metav1.ObjectMeta{Name: "mount"}, Type: corev1.EventTypeWarning, Reason: "FailedMount", Message: "no such volume",
				InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: e.namespace, Name: remote.Name, UID: remote.UID},
			}, metav1.CreateOptions{})
			e.must(err)
			if !permitted {
				e.eventually("the log says that the plugin may not list events", func() bool {
					e.statusOf(r, jid)
					return strings.Contains(e.log.String(), "the plugin may not list them")
				})
				if waiting := e.statusOf(r, jid).Waiting; waiting == nil || waiting.Message != "" {
					t.Errorf("the container is reported as %+v", waiting)
				}
				return
			}
			e.eventually("the message has the event", func() bool {
				waiting := e.statusOf(r, jid).Waiting
				return waiting != nil && waiting.Message == "FailedMount: no such volume"
			})
			e.setStatus(e.remotePod(r), func(s *corev1.PodStatus) {
				s.Phase = corev1.PodRunning
				s.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}}}
			})
			e.eventually("the message has no event", func() bool {
				waiting := e.statusOf(r, jid).Waiting
				return waiting != nil && waiting.Reason == "CrashLoopBackOff" && waiting.Message == ""
			})
		})
	}
}
