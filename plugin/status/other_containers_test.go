package status_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
)

// backsOff is a container that waits before its next run.
func backsOff(name string, code int32, message string) corev1.ContainerStatus {
	s := waitsFor(name, "CrashLoopBackOff", "back-off 10s restarting failed container")
	s.LastTerminationState = ended(code, message)
	return s
}

// docs/contract.md, STATUS-43: the message says why a pod waits or has failed also if the cause is in a
// container that the local pod does not show.
func TestCausesInOtherContainers(t *testing.T) {
	const added = ", which was added to the remote pod, "
	pending, active, succeeded, failed := corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed
	waiting := waitsFor("main", "PodInitializing", "")
	unready := corev1.ContainerStatus{Name: "sidecar", State: running, Started: ptr.To(false)}
	restarted := unready
	restarted.LastTerminationState = ended(137, "")
	for _, test := range []struct {
		name       string
		own, added []string
		phase      corev1.PodPhase
		init, main list
		want       string // the state of the first container
		message    string
	}{
		{"sidecar whose image cannot be pulled", []string{"sidecar", "main"}, nil, pending,
			list{waitsFor("sidecar", "ImagePullBackOff", "no such image")}, list{waiting},
			"main waiting PodInitializing", "sidecar sidecar waits: ImagePullBackOff: no such image"},
		{"sidecar that crashes", []string{"sidecar", "main"}, nil, pending, list{backsOff("sidecar", 3, "no port\n")}, list{waiting},
			"main waiting PodInitializing", "sidecar sidecar waits: CrashLoopBackOff: back-off 10s restarting failed container; before, it terminated with exit code 3: no port"},
		{"sidecar whose startup probe fails", []string{"sidecar", "main"}, nil, pending, list{unready}, list{waiting},
			"main waiting PodInitializing", "sidecar sidecar runs, but its startup probe or postStart hook has not succeeded"},
		{"sidecar whose startup probe has failed", []string{"sidecar", "main"}, nil, pending, list{restarted}, list{waiting},
			"main waiting PodInitializing", "sidecar sidecar runs, but its startup probe or postStart hook has not succeeded; before, it terminated with exit code 137"},
		{"sidecar that is being created", []string{"sidecar", "main"}, nil, pending, list{waitsFor("sidecar", "PodInitializing", "")}, list{waiting},
			"main waiting PodInitializing", ""},
		{"init container of the remote cluster that runs", []string{"main"}, []string{"init-proxy"}, pending, list{is("init-proxy", runs())}, list{waiting},
			"main waiting PodInitializing", "init container init-proxy" + added + "runs"},
		{"init container of the remote cluster that crashes", []string{"main"}, []string{"init-proxy"}, pending, list{backsOff("init-proxy", 1, "")}, list{waiting},
			"main waiting PodInitializing", "init container init-proxy" + added + "waits: CrashLoopBackOff: back-off 10s restarting failed container; before, it terminated with exit code 1"},
		{"init container of the remote cluster that failed for good", []string{"main"}, []string{"init-proxy"}, failed,
			list{{Name: "init-proxy", State: ended(1, "iptables")}}, list{waiting},
			"main ended PodFailed 137", "PodFailed: init container init-proxy" + added + "terminated with exit code 1: iptables"},
		{"container of the remote cluster that cannot start", []string{"main"}, []string{"proxy"}, pending, nil,
			list{is("main", runs()), waitsFor("proxy", "ErrImagePull", "denied")},
			"main waiting PodStarting", "running since 0001-01-01T00:00:00Z; the pod is Pending until all its containers have started; container proxy" + added + "waits: ErrImagePull: denied"},
		{"container of the remote cluster that failed alone", []string{"main"}, []string{"proxy"}, failed, nil,
			list{is("main", ends(0)), {Name: "proxy", State: ended(1, "")}},
			"main ended PodFailed 137", "PodFailed: container proxy" + added + "terminated with exit code 1; the container itself terminated with exit code 0"},
		{"container of the remote cluster that failed too", []string{"main"}, []string{"proxy"}, failed, nil,
			list{is("main", ends(2)), {Name: "proxy", State: ended(1, "")}},
			"main ended  2", "container proxy" + added + "terminated with exit code 1"},
		{"container of the remote cluster that runs on", []string{"main"}, []string{"proxy"}, active, nil, list{is("main", ends(0)), is("proxy", runs())},
			"main waiting PodEnding, before: 0", "terminated with exit code 0; the pod has not terminated yet: container proxy" + added + "still runs"},
		{"the mesh in an ordinary container cannot start", []string{"main"}, []string{mesh.Container}, pending, nil,
			list{is("main", runs()), waitsFor(mesh.Container, "ErrImagePull", "denied")},
			"main waiting PodStarting", "running since 0001-01-01T00:00:00Z; the pod is Pending until all its containers have started; container mesh-setup" + added + "waits: ErrImagePull: denied"},
		{"sidecar that was killed after main had succeeded", []string{"sidecar", "main"}, nil, succeeded,
			list{{Name: "sidecar", State: ended(137, "")}}, list{is("main", ends(0))}, "main ended  0", "sidecar sidecar terminated with exit code 137"},
		{"sidecar that ran out of memory after main had succeeded", []string{"sidecar", "main"}, nil, succeeded,
			list{is("sidecar", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}})}, list{is("main", ends(0))},
			"main ended  0", "sidecar sidecar terminated with exit code 137 (OOMKilled)"},
		{"sidecar that ended on request", []string{"sidecar", "main"}, nil, succeeded, list{is("sidecar", ends(143))}, list{is("main", ends(0))}, "main ended  0", ""},
		{"sidecar that was killed, and main has words of its own", []string{"sidecar", "main"}, nil, succeeded,
			list{is("sidecar", ends(137))}, list{{Name: "main", State: ended(0, "result=7")}}, "main ended Error 0", "result=7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{
				Phase: test.phase, InitContainerStatuses: test.init, ContainerStatuses: test.main,
			}, test.own...)
			_, more := pods(corev1.RestartPolicyNever, corev1.PodStatus{}, test.added...)
			remote.Spec.InitContainers = append(remote.Spec.InitContainers, more.Spec.InitContainers...)
			remote.Spec.Containers = append(remote.Spec.Containers, more.Spec.Containers...)
			answer := status.Of(requested, status.CachedFields(remote))
			if err := wellFormed(requested, remote, answer); err != nil {
				t.Error(err)
			}
			first := answer.Containers[0]
			if got := brief(first); got != test.want || *messageOf(&first) != test.message {
				t.Errorf("got  %s %q\nwant %s %q", got, *messageOf(&first), test.want, test.message)
			}
		})
	}
}

// docs/contract.md, STATUS-43: the virtual kubelet replaces the messages of containers while an
// init container waits, so its message has the cause too.
func TestCauseInTheFirstInitContainer(t *testing.T) {
	requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{
		Phase:                 corev1.PodPending,
		InitContainerStatuses: list{waitsFor("sidecar", "ImagePullBackOff", "no"), waitsFor("init-1", "PodInitializing", ""), waitsFor("init-2", "PodInitializing", "")},
		ContainerStatuses:     list{waitsFor("main", "PodInitializing", ""), waitsFor("other", "PodInitializing", "")},
	}, "sidecar", "init-1", "init-2", "main", "other")
	answer := status.Of(requested, remote)
	const cause = "sidecar sidecar waits: ImagePullBackOff: no"
	var got []string
	for _, s := range append(answer.InitContainers, answer.Containers...) {
		got = append(got, *messageOf(&s))
	}
	if text := strings.Join(got, "|"); text != cause+"||"+cause+"|" {
		t.Errorf("the messages are %s", text)
	}
}

// A text about another container is cut: an API server refuses a status that is too large.
func TestLongCausesAreCut(t *testing.T) {
	requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{
		Phase: corev1.PodPending, InitContainerStatuses: list{waitsFor("sidecar", "ErrImagePull", strings.Repeat("ä", 4000))},
	}, "sidecar", "main")
	message := *messageOf(&status.Of(requested, remote).Containers[0])
	if len(message) > 1100 || !strings.HasSuffix(message, "ä...") {
		t.Errorf("the message has %d bytes and ends with %q", len(message), message[len(message)-8:])
	}
}
