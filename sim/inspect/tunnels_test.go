package inspect_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakehelm"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
)

// A release counts once, and what it is made of does not; a Service counts.
func TestTunnelsAreCounted(t *testing.T) {
	client := fakecluster.New(fakecluster.Options{}).Client()
	const uid = types.UID("92030190-ca03-4864-a97c-dabccaa67f8e")
	labels := map[string]string{wire.LabelTunnelUID: string(uid)}
	made := fakehelm.New(client, "default")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, port := range []int32{80, 80, 443} {
		must(made.Open(t.Context(), scope.Scope{}.ReleaseName(port, string(uid)), labels, port, "target"))
	}
	core := client.CoreV1()
	_, err := core.Pods("default").Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "bastion-80-" + string(uid), Labels: labels},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "ssh", Image: "ssh"}}}}, metav1.CreateOptions{})
	must(err)
	_, err = core.Services("default").Create(t.Context(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: scope.Scope{}.ServiceName(string(uid))}}, metav1.CreateOptions{})
	must(err)
	count := func(want map[string]int) {
		t.Helper()
		s, err := inspect.TakeSnapshot(t.Context(), client, []types.UID{uid}, nil)
		must(err)
		for kind, n := range want {
			if s.Count(kind) != n {
				t.Errorf("%d of kind %s, want %d: %v", s.Count(kind), kind, n, s.Names(kind))
			}
		}
		if pod := s.Pod(uid); pod != nil {
			t.Errorf("pod %s is taken for the remote pod", pod.Name)
		}
	}
	// A later revision of a release is the same one.
	first, err := core.Secrets("default").Get(t.Context(), "sh.helm.release.v1."+scope.Scope{}.ReleaseName(443, string(uid))+".v1", metav1.GetOptions{})
	must(err)
	second := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: strings.TrimSuffix(first.Name, "1") + "2", Labels: first.Labels}, Type: first.Type}
	_, err = core.Secrets("default").Create(t.Context(), second, metav1.CreateOptions{})
	must(err)
	count(map[string]int{"Release": 2, "Service": 1, "Secret": 0, "Pod": 0})
	s, err := inspect.TakeSnapshot(t.Context(), client, []types.UID{uid}, nil)
	must(err)
	if names := s.Names("Release"); !slices.Equal(names, []string{"default/bastion-443-" + string(uid), "default/bastion-80-" + string(uid)}) {
		t.Errorf("they are called %v", names)
	}
	must(made.Close(t.Context(), scope.TunnelSelector("another")))
	count(map[string]int{"Release": 2})
	must(made.Close(t.Context(), scope.TunnelSelector(string(uid))))
	count(map[string]int{"Release": 0, "Service": 1})
}
