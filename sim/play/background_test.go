package play

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
)

// Objects whose owner is gone are not left over: the collector of a real cluster needs
// some time, and no virtual time passes meanwhile.
func TestReplayWaitsForTheGarbageCollector(t *testing.T) {
	cluster := fakecluster.New(fakecluster.Options{HoldCollection: true})
	ctx, core := t.Context(), cluster.Client().CoreV1()
	file := scenarios(t, "plain-pod")[0]
	const uid = "11111111-1111-1111-1111-111111111111"
	labels := map[string]string{wire.LabelPodUID: uid}
	pod, err := core.Pods("default").Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	owner := metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: "p", UID: pod.UID}
	_, err = core.Secrets("default").Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "s", Labels: labels, OwnerReferences: []metav1.OwnerReference{owner}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := core.Pods("default").Delete(ctx, "p", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	local := file.Pods[0].DeepCopy()
	local.UID = uid
	reads := 0
	env := &environment{file: file, keys: map[types.UID]string{uid: local.Name}, remote: lateCollector{cluster.Client(), func() {
		if reads++; reads == 3 {
			cluster.Collect()
		}
	}}}
	p := &player{env: env, seen: &judge.Observation{Left: &inspect.Snapshot{}}}
	if p.seen.Left, err = p.snapshot(ctx); err != nil {
		t.Fatal(err)
	}
	if p.seen.Left.Count("Secret") != 1 {
		t.Fatal("the Secret does not exist before the collection")
	}
	if err := p.waitForBackground(ctx); err != nil {
		t.Fatal(err)
	}
	if left := p.seen.Left.Names("Secret"); len(left) > 0 || reads != 3 {
		t.Errorf("after %d reads, %v are left", reads, left)
	}
}

// lateCollector is a cluster that does something before each list of all pods.
type lateCollector struct {
	kubernetes.Interface
	before func()
}

func (c lateCollector) CoreV1() typedcore.CoreV1Interface {
	return lateCore{c.Interface.CoreV1(), c.before}
}

type lateCore struct {
	typedcore.CoreV1Interface
	before func()
}

func (c lateCore) Pods(namespace string) typedcore.PodInterface {
	return latePods{c.CoreV1Interface.Pods(namespace), c.before}
}

type latePods struct {
	typedcore.PodInterface
	before func()
}

func (p latePods) List(ctx context.Context, options metav1.ListOptions) (*corev1.PodList, error) {
	p.before()
	return p.PodInterface.List(ctx, options)
}
