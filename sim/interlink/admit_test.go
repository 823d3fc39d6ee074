package interlink_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

func TestQOSClass(t *testing.T) {
	full := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("1Gi")}
	for want, limits := range map[corev1.PodQOSClass]corev1.ResourceList{
		corev1.PodQOSBestEffort: nil, corev1.PodQOSGuaranteed: full,
		corev1.PodQOSBurstable: {corev1.ResourceCPU: resource.MustParse("1")},
	} {
		pod := podOf("p", "a")
		pod.Spec.Containers[0].Resources.Limits = limits
		if got := interlink.Admit(pod, interlink.Options{}).Status.QOSClass; got != want {
			t.Errorf("%v: %s, want %s", limits, got, want)
		}
	}
}
