package orphans_test

import (
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/orphans"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// endPod ends a pod.
func endPod(pod *corev1.Pod, at time.Time) {
	pod.Status.Phase = corev1.PodSucceeded
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(at)},
	}}}
}

// Pods that have ended stay, or are deleted after a time if nothing asks about them.
func TestPodsThatHaveEnded(t *testing.T) {
	for _, test := range []struct {
		name string
		ttl  time.Duration
		want []string
	}{
		{"off", 0, nil},
		{"after a day", 24 * time.Hour, []string{"ended-0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 6)
				w.add("vk", "live", 3, true)
				w.add("vk", "ended", 1, false)
				w.add("vk", "asked", 1, true) // its node has not seen the end yet
				w.add("vk", "reported", 1, false)
				for _, name := range []string{"ended-0", "asked-0"} {
					w.change(name, func(pod *corev1.Pod) { endPod(pod, w.now()) })
				}
				// The plugin reported that the pod has ended; its mesh ends a moment later.
				w.change("reported-0", func(pod *corev1.Pod) { pod.Annotations[wire.AnnotationFinished] = "true" })
				p := w.start("0", func(o *orphans.Options) { o.FinishedTTL = test.ttl })
				w.run(23*time.Hour, only(p), nil)
				w.expectDeleted(nil)
				if w.marks > 0 {
					t.Errorf("%d marks within the time", w.marks)
				}
				w.change("reported-0", func(pod *corev1.Pod) { endPod(pod, w.now()) })
				w.run(3*time.Hour, only(p), nil)
				w.expectDeleted(test.want)
				p.end()
			})
		})
	}
}
