package play

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// claimSet is a set of persistent volume claims, by UID.
type claimSet map[types.UID]bool

func newClaimSet(claims []corev1.PersistentVolumeClaim) claimSet {
	set := claimSet{}
	for i := range claims {
		set[claims[i].UID] = true
	}
	return set
}

// without returns the claims that are not in the set.
func (s claimSet) without(claims []corev1.PersistentVolumeClaim) []corev1.PersistentVolumeClaim {
	return slices.DeleteFunc(claims, func(claim corev1.PersistentVolumeClaim) bool { return s[claim.UID] })
}

// countsClaims reports whether a scenario counts remote claims. Claims do not carry
// the UID of a pod, so all claims of a namespace count: on one cluster, such
// scenarios are played one after the other, and other scenarios ignore claims.
func countsClaims(file *scenario.File) bool {
	_, created := file.Expect.Remote["PersistentVolumeClaim"]
	_, left := file.Expect.Left["PersistentVolumeClaim"]
	return created || left || len(file.Claims)+len(file.RemoteSetup.Claims) > 0 || slices.ContainsFunc(file.Pods, func(pod corev1.Pod) bool {
		return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil })
	})
}
