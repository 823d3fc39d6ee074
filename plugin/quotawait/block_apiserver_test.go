package quotawait_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// withTwoSecrets returns a request for a pod with a ConfigMap and two Secrets.
func (e *env) withTwoSecrets(name string) *wire.CreateRequest {
	request := e.request(name, true)
	pod := &request.Pod.Spec
	pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "more", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "more"}}})
	pod.Containers[0].VolumeMounts = append(pod.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "more", MountPath: "/more"})
	request.Containers[0].Secrets = append(request.Containers[0].Secrets,
		corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "more", Namespace: e.local}, Data: map[string][]byte{"key": []byte("value")}})
	return request
}

// Three pods wait, and their requests use all Secrets of the quota, so that none of them could
// ever be created. The youngest fail, with the words of the quota, until the oldest is created.
func TestPodsThatBlockEachOther(t *testing.T) {
	for _, resource := range []string{"secrets", "configmaps"} {
		t.Run(resource, func(t *testing.T) {
			e := newEnv(t, "pods=1,count/"+resource+"=3")
			r := e.start(func(s *settings) { s.endBlocks = true })
			first := e.request("first", false)
			r.create(first)
			var waiting []*wire.CreateRequest
			for _, name := range []string{"second", "third", "fourth"} {
				request := e.withTwoSecrets(name)
				if resource == "configmaps" {
					request = e.withTwoConfigMaps(name)
				}
				waiting = append(waiting, request)
				r.create(request)
			}
			e.end(first)
			for _, n := range []int{2, 1} { // the youngest first
				var state corev1.ContainerState
				testkit.Eventually(t, "pod "+waiting[n].Pod.Name+" fails", func() bool {
					state = r.state(waiting[n])
					return state.Terminated != nil
				})
				if ended := state.Terminated; ended.Reason != "CreateFailed" || !strings.Contains(ended.Message, "exceeded quota: quota, requested: count/"+resource+"=1") ||
					!strings.Contains(ended.Message, "the requests of pods that wait use up the quota") {
					t.Errorf("the state is %v", ended)
				}
				if n == 2 && r.state(waiting[0]).Waiting == nil {
					t.Error("the oldest pod does not wait any more")
				}
			}
			s := scope.Scope{Namespace: e.namespace}
			more := s.Name("more", string(waiting[0].Pod.UID))
			e.eventuallyHas(append(e.created(waiting[0]), strings.TrimSuffix(resource, "s")+" "+more)...)
		})
	}
}

// withTwoConfigMaps returns a request for a pod with a Secret and two ConfigMaps.
func (e *env) withTwoConfigMaps(name string) *wire.CreateRequest {
	request := e.request(name, true)
	pod := &request.Pod.Spec
	pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "more", VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "more"}}}})
	pod.Containers[0].VolumeMounts = append(pod.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "more", MountPath: "/more"})
	request.Containers[0].ConfigMaps = append(request.Containers[0].ConfigMaps,
		corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "more", Namespace: e.local}, Data: map[string]string{"key": "value"}})
	return request
}

// While pods block each other, no other pod takes the room that is made for the oldest one.
func TestNoPodBeginsToWaitInABlock(t *testing.T) {
	e := newEnv(t, "pods=2,secrets=2")
	r := e.start(func(s *settings) { s.idle = true })
	first := e.request("first", true)
	r.create(first)
	r.waiting.Block(e.namespace)
	err := r.createFails(e.withTwoSecrets("second"))
	if !errdefs.Is(err, errdefs.OverQuota) || !strings.Contains(err.Error(), "the requests of pods that wait use up the quota") {
		t.Errorf("the error is %v", err)
	}
	e.eventuallyHas(e.created(first)...)
	// The quota controller counts again after the second pod and its objects are gone. If it did
	// so now, it could miss the next pod.
	e.eventuallyUses("pods", "1")
	e.eventuallyUses("secrets", "1")
	third := e.request("third", false)
	r.create(third)
	fourth := e.request("fourth", false) // pods keep it out, and not what is stored
	r.create(fourth)
	e.eventuallyHas(append(append(e.created(first), e.created(third)...), e.stored(fourth)...)...)
}
