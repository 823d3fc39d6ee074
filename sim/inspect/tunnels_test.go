package inspect_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakehelm"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// The Helm release of a tunnel counts once, whatever the number of its revisions, and
// the objects that the release installed do not count. The pod's own Service does.
func TestReleasesOfTunnels(t *testing.T) {
	const uid = types.UID("92030190-ca03-4864-a97c-dabccaa67f8e")
	client := fakecluster.New(fakecluster.Options{}).Client()
	core, helm := client.CoreV1(), fakehelm.New(client, "default")
	labels := map[string]string{wire.LabelTunnelUID: string(uid)}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect := func(kind string, want ...string) {
		t.Helper()
		s, err := inspect.TakeSnapshot(t.Context(), client, []types.UID{uid}, nil)
		must(s, err)
		if diff := cmp.Diff(want, s.Names(kind)); diff != "" || s.Count(kind) != len(want) {
			t.Errorf("kind %s: Count is %d, the names differ:\n%s", kind, s.Count(kind), diff)
		}
		if pod := s.Pod(uid); pod != nil {
			t.Errorf("pod %s of the tunnel is returned as the remote pod", pod.Name)
		}
	}
	for _, port := range []int32{80, 80, 443} {
		must(nil, helm.Open(t.Context(), scope.Scope{}.ReleaseName(port, string(uid)), labels, port, "target"))
	}
	must(core.Pods("default").Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "bastion-80-" + string(uid), Labels: labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "ssh", Image: "ssh"}}},
	}, metav1.CreateOptions{}))
	service := scope.Scope{}.ServiceName(string(uid))
	must(core.Services("default").Create(t.Context(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: service}}, metav1.CreateOptions{}))

	record := "sh.helm.release.v1." + scope.Scope{}.ReleaseName(443, string(uid))
	first, err := core.Secrets("default").Get(t.Context(), record+".v1", metav1.GetOptions{})
	must(first, err)
	second := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: record + ".v2", Labels: first.Labels}, Type: first.Type}
	must(core.Secrets("default").Create(t.Context(), second, metav1.CreateOptions{}))

	releases := []string{"default/bastion-443-" + string(uid), "default/bastion-80-" + string(uid)}
	expect("Release", releases...)
	expect("Service", "default/"+service)
	expect("Secret")
	expect("Pod")
	must(nil, helm.Close(t.Context(), scope.TunnelSelector("another")))
	expect("Release", releases...)
	must(nil, helm.Close(t.Context(), scope.TunnelSelector(string(uid))))
	expect("Release")
	expect("Service", "default/"+service)
}
