package quotawait_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/faulty"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/claimrules"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// withClaim returns a request for a pod with a claim that goes with its last pod.
func (e *env) withClaim(name, claim string) *wire.CreateRequest {
	request := e.request(name, false)
	request.Pod.Annotations = map[string]string{
		wire.AnnotationRemotePVC: claim, wire.AnnotationClaimPrefix + claim: `{"storage":"1Gi","retentionPolicy":"delete"}`,
	}
	request.Pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}}
	request.Pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	return request
}

// A claim that goes with its last pod stays while a pod that waits for a quota will use it: it
// may hold the data that this pod is to read. It goes when that pod is deleted while it waits.
func TestClaimOfAPodThatWaits(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		t.Run(map[bool]string{false: "the pod is created", true: "the pod is deleted while it waits"}[deleted], func(t *testing.T) {
			e := newEnv(t, "pods=1")
			r := e.start(func(s *settings) { s.idle = true })
			first, second := e.withClaim("first", "data"), e.withClaim("second", "data")
			r.create(first)
			r.create(second)
			for _, c := range []struct {
				namespace, claim, except string
				used                     bool
			}{{e.namespace, "data", "", true}, {e.namespace, "data", string(second.Pod.UID), false}, {e.namespace, "dat", "", false}, {"other", "data", "", false}} {
				if used, err := r.waiting.UsesClaim(t.Context(), c.namespace, c.claim, c.except); used != c.used || err != nil {
					t.Errorf("%+v: used %v, %v", c, used, err)
				}
			}
			if deleted {
				r.remove(second)
				r.remove(first)
				e.start()
				e.eventuallyHas()
				return
			}
			r.remove(first)
			testkit.Eventually(t, "the delete has done all of its work", r.Idle)
			e.eventuallyHas(append(e.stored(second), "claim data")...)
			e.start()
			e.eventuallyHas(append(e.created(second), "claim data")...)
		})
	}
}

// The claim stays also if a replica deletes the last pod that has not heard of the one that
// waits, and if its first look fails.
func TestClaimOfAPodThatWaitsElsewhere(t *testing.T) {
	for _, fault := range []faulty.Fault{"", faulty.Broken, faulty.Lost, faulty.Refused, faulty.Overloaded} {
		t.Run("fault "+string(fault), func(t *testing.T) {
			e := newEnv(t, "pods=1")
			r, other := e.start(func(s *settings) { s.idle = true }), e.start(func(s *settings) { s.idle = true })
			first, second := e.withClaim("first", "data"), e.withClaim("second", "data")
			r.create(first)
			r.create(second)
			looks := 0
			other.link.set(func(_ int, call string) faulty.Fault {
				if call != "GET configmaps" {
					return ""
				}
				if looks++; looks > 1 {
					return ""
				}
				return fault
			})
			other.remove(first)
			testkit.Eventually(t, "the delete has done all of its work", other.Idle)
			if looks := slices.Contains(other.link.seen(), "GET configmaps"); !looks {
				t.Error("the delete does not look for pods that wait")
			}
			e.eventuallyHas(append(e.stored(second), "claim data")...)
		})
	}
}

// A pod that waits keeps the claim that a rule of the site gives it, under its remote name.
func TestClaimByRuleOfAPodThatWaits(t *testing.T) {
	e := newEnv(t, "pods=1")
	rules, err := claimrules.Parse([]byte(`[{volumes: [data], remote: "{claim}.{namespace}", create: {storage: 1Gi, retentionPolicy: delete}}]`))
	e.must(err)
	r := e.start(func(s *settings) { s.idle, s.options.Translate.ClaimRules = true, rules })
	first, second := e.withClaim("first", "data"), e.withClaim("second", "data")
	first.Pod.Annotations, second.Pod.Annotations = nil, nil
	claim := "data." + first.Pod.Namespace
	r.create(first)
	r.create(second)
	if used, err := r.waiting.UsesClaim(t.Context(), e.namespace, claim, ""); !used || err != nil {
		t.Errorf("the claim is used: %v, %v", used, err)
	}
	r.remove(first)
	testkit.Eventually(t, "the delete has done all of its work", r.Idle)
	e.eventuallyHas(append(e.stored(second), "claim "+claim)...)
	r.remove(second)
	testkit.Eventually(t, "the delete has done all of its work", r.Idle)
	e.start()
	e.eventuallyHas()
}
