package orphans_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/orphans"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// 50 deletes are lost: none of their 50 pods stays, and none of 500 others goes, while the
// plugin is killed or stopped 100 times at random moments.
func TestLostDeletesAreFoundOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		live := w.add("vk", "live", 500, true)
		lost := w.add("vk", "lost", 50, true)
		p := w.start("0")
		restarts := 0
		life := func() time.Time { return time.Now().Add(time.Duration(w.random.ExpFloat64() * float64(grace))) }
		next := life()
		between := func() {
			// The deletes get lost over the first 50 restarts.
			if restarts < 50 && w.random.IntN(500) == 0 || restarts >= 50 {
				w.loseOne("vk", "lost-")
			}
			if time.Now().Before(next) || restarts == 100 {
				return
			}
			time.Sleep(time.Duration(w.random.Int64N(int64(5 * time.Second))))
			if w.random.IntN(2) == 0 {
				p.kill()
			} else {
				p.end()
			}
			restarts++
			p = w.start("0")
			next = life()
		}
		for restarts < 100 {
			w.run(time.Hour, func() *process { return p }, between)
		}
		w.run(2*grace+10*time.Minute, func() *process { return p }, between)
		p.end()
		w.expectDeleted(lost)
		if n := w.exist(live); n != 500 {
			t.Errorf("%d live pods are left of 500", n)
		}
		t.Logf("%d restarts, %d marks", restarts, w.marks)
	})
}

// loseOne lets a virtual node stop asking about one pod, as when its delete is lost.
func (w *world) loseOne(nodeName, prefix string) {
	n := w.nodes[nodeName]
	for i, uid := range n.live {
		if strings.HasPrefix(uid, prefix) {
			n.live = append(n.live[:i:i], n.live[i+1:]...)
			return
		}
	}
}

// A pod is not deleted before two graces, and soon after.
func TestPodIsMarkedAndDeletedAfterAFurtherGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		w.add("vk", "live", 3, true)
		w.add("vk", "lost", 1, false)
		p := w.start("0")
		w.run(grace-time.Minute, only(p), nil)
		if w.marks != 0 {
			t.Error("a pod is marked before the grace")
		}
		w.run(3*time.Minute, only(p), nil)
		if w.marks != 1 || w.pod("lost-0").Annotations[wire.AnnotationUnaskedSince] == "" {
			t.Errorf("%d marks after the grace", w.marks)
		}
		w.run(grace-3*time.Minute, only(p), nil)
		w.expectDeleted(nil)
		w.run(4*time.Minute, only(p), nil)
		w.expectDeleted([]string{"lost-0"})
		p.end()
		if !strings.Contains(p.log.String(), "name=lost-0") || strings.Contains(p.log.String(), "live") {
			t.Errorf("the log is\n%s", p.log)
		}
	})
}

// The plugin is killed before and after each of its calls, once in each run. The next
// process completes what is left, and deletes nothing else.
func TestKilledAtEachCall(t *testing.T) {
	for moment := 1; ; moment++ {
		crashed := false
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 10)
			live := w.add("vk", "live", 10, true)
			lost := w.add("vk", "lost", 1, false)
			p := w.start("0")
			moments := 0
			w.crash = func(p *process) {
				if moments++; moments == moment {
					w.mu.Lock()
					p.killed, crashed = true, true
					w.mu.Unlock()
				}
			}
			w.run(5*grace, func() *process { return p }, func() {
				if p.killed {
					p.end()
					p = w.start("0")
				}
			})
			w.expectDeleted(lost)
			if n := w.exist(live); n != 10 {
				t.Errorf("killed at moment %d: %d live pods are left of 10", moment, n)
			}
			p.end()
		})
		switch {
		case crashed:
		case moment <= 8: // two reads, a mark and a delete have as many moments
			t.Fatalf("there was no moment %d", moment)
		default:
			return
		}
	}
}

// Two replicas share the requests 99:1, and the one that hears the little searches for
// orphans: it marks pods wrongly, and the other removes each mark.
func TestTwoReplicasWithUnequalShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3)
		live := w.add("vk", "live", 500, true)
		lost := w.add("vk", "lost", 5, false)
		few := w.start("few")
		time.Sleep(time.Minute) // it has the Lease
		many := w.start("many")
		choose := func() *process {
			if w.random.IntN(100) == 0 {
				return few
			}
			return many
		}
		w.run(24*time.Hour, choose, nil)
		w.expectDeleted(lost)
		if n := w.exist(live); n != 500 {
			t.Errorf("%d live pods are left of 500", n)
		}
		if w.marks <= len(lost) {
			t.Errorf("%d marks: no live pod was marked, so the test shows nothing", w.marks)
		}
		for _, name := range live {
			if w.pod(name).Annotations[wire.AnnotationUnaskedSince] != "" {
				t.Errorf("%s is still marked", name)
			}
		}
		if log := few.log.String() + many.log.String(); strings.Count(log, "its mark is removed") != w.marks-len(lost) {
			t.Errorf("%d marks, and not all of the wrong ones were removed once:\n%s", w.marks, log)
		}
		t.Logf("%d live pods were marked for a moment", w.marks-len(lost))
		few.end()
		many.end()
	})
}

// Of two virtual nodes behind one plugin, one is down: none of its pods is touched, then
// and after it is back, even one that was marked when it went down.
func TestNodeThatIsDownOrphansNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		up := w.add("up", "up", 50, true)
		down := w.add("down", "down", 50, true)
		lost := w.add("up", "lost", 3, false)
		w.add("down", "down-lost", 1, false)
		p := w.start("0")
		w.run(grace+2*time.Minute, only(p), nil)
		if w.pod("down-lost-0").Annotations[wire.AnnotationUnaskedSince] == "" {
			t.Fatal("the lost pod of the node is not marked")
		}
		w.change("down-0", func(pod *corev1.Pod) { // a mark that another replica would remove
			pod.Annotations[wire.AnnotationUnaskedSince] = w.now().Format(time.RFC3339Nano)
		})
		w.nodes["down"].down = true
		w.run(48*time.Hour, only(p), nil)
		w.expectDeleted(lost)
		w.nodes["down"].down = false
		w.run(3*time.Minute, only(p), nil)
		w.expectDeleted(lost)
		if w.marks != len(lost)+1 {
			t.Errorf("%d marks, want those of the lost pods", w.marks)
		}
		w.run(grace, only(p), nil)
		w.expectDeleted(append(lost, "down-lost-0"))
		if n := w.exist(up) + w.exist(down); n != 100 {
			t.Errorf("%d live pods are left of 100", n)
		}
		p.end()
	})
}

// The wall clock jumps forward and back, by hours, at random moments.
func TestClockThatJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 5)
		live := w.add("vk", "live", 100, true)
		lost := w.add("vk", "lost", 5, false)
		ended := w.add("vk", "ended", 5, true)
		p := w.start("0", func(o *orphans.Options) { o.FinishedTTL = 24 * time.Hour })
		for _, name := range ended {
			w.change(name, func(pod *corev1.Pod) { endPod(pod, w.now()) })
		}
		w.run(12*time.Hour, only(p), func() {
			if w.random.IntN(200) == 0 {
				w.mu.Lock()
				w.drift = time.Duration(w.random.Int64N(int64(40*time.Hour))) - 20*time.Hour
				w.mu.Unlock()
			}
		})
		if n := w.exist(live) + w.exist(ended); n != 105 {
			t.Errorf("%d live pods are left of 105", n)
		}
		w.mu.Lock()
		w.drift = -20 * time.Hour // all marks are from the future now
		w.mu.Unlock()
		w.run(3*grace, only(p), nil)
		w.expectDeleted(lost)
		p.end()
	})
}

// What is not a suspect: a pod of another instance, one that does not say its node, one that
// is being deleted, and the only pods of a node that asks about none.
func TestPodsThatAreNoSuspects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 7)
		w.add("vk", "live", 3, true)
		w.add("vk", "other", 1, false)
		w.add("vk", "deleting", 1, false)
		w.add("", "earlier", 1, false)
		w.add("silent", "alone", 1, false)
		w.change("other-0", func(pod *corev1.Pod) { pod.Labels[wire.LabelInstance] = "another" })
		w.change("deleting-0", func(pod *corev1.Pod) { now := metav1.Now(); pod.DeletionTimestamp = &now })
		p := w.start("0")
		w.run(5*grace, only(p), nil)
		if w.marks != 0 {
			t.Errorf("%d marks", w.marks)
		}
		w.expectDeleted(nil)
		p.end()
	})
}

// Other requests than status requests show too that a local pod exists.
func TestMentionedPodIsUnmarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8)
		w.add("vk", "live", 3, true)
		w.add("vk", "again", 1, false)
		p := w.start("0")
		w.run(grace+2*time.Minute, only(p), nil)
		if w.marks != 1 {
			t.Fatalf("%d marks", w.marks)
		}
		p.Mentioned("again-0") // for example, the create is sent again
		w.run(grace-2*time.Minute, only(p), nil)
		if w.pod("again-0").Annotations[wire.AnnotationUnaskedSince] != "" {
			t.Error("the pod is still marked")
		}
		w.expectDeleted(nil)
		p.end()
	})
}

// With the policy report, orphans are marked, and nothing is deleted.
func TestReportDeletesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 9)
		w.add("vk", "live", 3, true)
		w.add("vk", "lost", 1, false)
		p := w.start("0", func(o *orphans.Options) { o.Report = true })
		w.run(5*grace, only(p), nil)
		w.expectDeleted(nil)
		if w.marks != 1 {
			t.Errorf("%d marks", w.marks)
		}
		p.end()
	})
}
