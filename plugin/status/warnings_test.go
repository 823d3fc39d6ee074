package status_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// TestWarningsChangeOneMessageOnly checks, for generated pods, that warnings of the remote
// pod are at the end of the message of the first container unless it runs or has written a
// message of its own, and change nothing else.
func TestWarningsChangeOneMessageOnly(t *testing.T) {
	shown, kept := 0, 0
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 41))
		requested, remote := generate(random)
		for i := range remote.Status.ContainerStatuses {
			if end := remote.Status.ContainerStatuses[i].State.Terminated; end != nil && seed%2 == 0 {
				end.Message = "of the container"
			}
		}
		without := status.Of(requested, remote)
		warned := remote.DeepCopy()
		if warned.Annotations == nil {
			warned.Annotations = map[string]string{}
		}
		warned.Annotations[wire.AnnotationWarnings] = "one\ntwo"
		with := status.Of(requested, status.CachedFields(warned))
		first := &with.Containers[0]
		own := podstate.Find(remote.Status.ContainerStatuses, first.Name)
		switch {
		case first.State.Running != nil:
		case first.State.Terminated != nil && own != nil && own.State.Terminated != nil && own.State.Terminated.Message != "":
			kept++
		default:
			shown++
			message := messageOf(first)
			before, found := strings.CutSuffix(*message, "warnings: one; two")
			if !found {
				t.Fatalf("seed %d: the message is %q", seed, *message)
			}
			*message = strings.TrimSuffix(before, "; ")
		}
		if diff := cmp.Diff(without, with); diff != "" {
			t.Fatalf("seed %d: status (-without warnings +with)\n%s", seed, diff)
		}
	}
	if shown < 100 || kept < 10 {
		t.Errorf("%d pods showed their warnings, %d had a message of their own: the generator makes too few", shown, kept)
	}
}

func messageOf(s *corev1.ContainerStatus) *string {
	if s.State.Waiting != nil {
		return &s.State.Waiting.Message
	}
	return &s.State.Terminated.Message
}

// A message has the first warnings, and says how many more the remote pod has.
func TestManyWarningsAreShortened(t *testing.T) {
	requested, remote := pods(corev1.RestartPolicyNever, corev1.PodStatus{Phase: corev1.PodPending}, "main")
	var lines []string
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("warning %d %s", i, strings.Repeat("x", 90)))
	}
	remote.Annotations = map[string]string{wire.AnnotationWarnings: strings.Join(lines, "\n")}
	answer := status.Of(requested, remote)
	message := *messageOf(&answer.Containers[0])
	if want := "; and 15 more, in the annotation interlink.io/warnings of the remote pod"; !strings.HasSuffix(message, want) || len(message) > 700 {
		t.Errorf("the message is %q, want the end %q", message, want)
	}
}
