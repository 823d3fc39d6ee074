package cluster

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func succeeded(uid, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{wire.LabelPodUID: uid}},
		Status:     corev1.PodStatus{Phase: corev1.PodSucceeded},
	}
}

func newMemory(limit int) *endedPods {
	e := newEndedPods(func(pod *corev1.Pod) *corev1.Pod { return pod })
	e.limit = limit
	return e
}

// The memory of ended pods is limited in number: the oldest are forgotten.
func TestMemoryOfEndedPodsIsLimited(t *testing.T) {
	e := newMemory(3)
	for i := range 1000 {
		e.remember(succeeded(fmt.Sprint(i), "pod"))
		if len(e.pods) > 3 || len(e.order) > 3 || cap(e.order) > 100 {
			t.Fatalf("%d pods are remembered, and the order has %d of %d", len(e.pods), len(e.order), cap(e.order))
		}
	}
	for uid, want := range map[string]bool{"996": false, "997": true, "999": true} {
		if got := e.find(uid) != nil; got != want {
			t.Errorf("pod %s is remembered: %v, want %v", uid, got, want)
		}
	}
	e.remember(&corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodSucceeded}})
	if len(e.pods) != 3 {
		t.Error("a pod that belongs to no local pod is remembered")
	}
}

// A pod that is larger than the whole memory is not remembered.
func TestMemoryOfEndedPodsIsTooSmallForOne(t *testing.T) {
	e := newMemory(3)
	e.maxBytes = 1
	for _, uid := range []string{"1", "2"} {
		e.remember(succeeded(uid, "pod"))
		if e.find(uid) != nil || len(e.pods) > 0 || len(e.order) > 0 || e.bytes != 0 {
			t.Errorf("%d pods are remembered, of %d bytes", len(e.pods), e.bytes)
		}
	}
}

// The memory of ended pods is limited in bytes: termination messages can be long.
func TestMemoryOfEndedPodsIsLimitedInBytes(t *testing.T) {
	e := newMemory(endedPodsKept)
	const size = 12 << 10 // of all termination messages of a pod
	number := endedBytesKept/size + 100
	for i := range number {
		pod := succeeded(fmt.Sprint(i), "pod")
		pod.Status.Message = strings.Repeat("m", size)
		e.remember(pod)
	}
	kept := 0
	for _, pod := range e.order {
		kept += len(pod.pod.encoded)
	}
	if kept > endedBytesKept || kept < endedBytesKept-2*size || kept != e.bytes || len(e.pods) != len(e.order) {
		t.Errorf("%d pods are remembered, with %d bytes; %d are counted", len(e.pods), kept, e.bytes)
	}
	if e.find("0") != nil || e.find(fmt.Sprint(number-1)) == nil {
		t.Error("the oldest pod is remembered, or the newest is not")
	}
}

// The memory of ended pods is limited in time, and a later pod of the same local pod replaces an
// earlier one.
func TestEndedPodsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newMemory(endedPodsKept)
		e.remember(succeeded("a", "earlier"))
		e.remember(succeeded("b", "pod"))
		time.Sleep(endedPodMemory - time.Minute)
		e.remember(succeeded("a", "later"))
		time.Sleep(2 * time.Minute)
		if e.find("b") != nil {
			t.Error("a pod is remembered for too long")
		}
		e.remember(succeeded("c", "pod"))
		if pod := e.find("a"); pod == nil || pod.Name != "later" || len(e.pods) != 2 || len(e.order) != 2 {
			t.Errorf("pod a is %v; %d pods are remembered", pod, len(e.pods))
		}
	})
}
