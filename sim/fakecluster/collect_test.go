package fakecluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
)

const noUID types.UID = "00000000-0000-0000-0000-000000000000"

func renamed(owner metav1.OwnerReference, name string) metav1.OwnerReference {
	owner.Name = name
	return owner
}

func blocking(owner metav1.OwnerReference) metav1.OwnerReference {
	owner.BlockOwnerDeletion = ptr.To(true)
	return owner
}

func policy(p metav1.DeletionPropagation) metav1.DeleteOptions {
	return metav1.DeleteOptions{PropagationPolicy: &p}
}

// collectionSteps runs steps on any cluster. After each it calls settled, which waits
// until the garbage collector has done its work.
func collectionSteps(o owners, settled func(step string)) {
	ctx, core := o.t.Context(), o.client.CoreV1()
	none, now := metav1.DeleteOptions{}, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}

	pod := o.pod("all-kinds", false)
	o.configMap("of-all-kinds", pod)
	_, err := core.Secrets(o.namespace).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "of-all-kinds", OwnerReferences: []metav1.OwnerReference{pod}}}, metav1.CreateOptions{})
	o.must(err)
	_, err = core.Services(o.namespace).Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "of-all-kinds", OwnerReferences: []metav1.OwnerReference{pod}}, Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone},
	}, metav1.CreateOptions{})
	o.must(err)
	settled("the owner lives")
	o.delete(pod, none)
	settled("the owner is deleted")
	o.configMap("late", pod)
	settled("a dependent is created after its owner is gone")
	again := o.pod("all-kinds", false)
	o.configMap("of-the-first", pod)
	o.configMap("of-the-second", again)
	settled("a second pod has the name of the owner")

	o.configMap("no-such-owner", metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: "absent", UID: noUID})
	o.configMap("wrong-uid", metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: again.Name, UID: noUID})
	o.configMap("wrong-name", renamed(again, "absent"))
	o.configMap("wrong-kind", metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: again.Name, UID: again.UID})
	o.configMap("unknown-kind", metav1.OwnerReference{APIVersion: "example.com/v1", Kind: "Unknown", Name: again.Name, UID: again.UID})
	settled("references that name no object")
	elsewhere, err := core.ConfigMaps(o.other).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "elsewhere"}}, metav1.CreateOptions{})
	o.must(err)
	o.configMap("of-another-namespace", metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "elsewhere", UID: elsewhere.UID})
	settled("the owner is in another namespace")
	namespace, err := core.Namespaces().Get(ctx, o.namespace, metav1.GetOptions{})
	o.must(err)
	o.configMap("of-the-namespace", metav1.OwnerReference{APIVersion: "v1", Kind: "Namespace", Name: namespace.Name, UID: namespace.UID})
	o.configMap("of-no-namespace", metav1.OwnerReference{APIVersion: "v1", Kind: "Namespace", Name: namespace.Name, UID: noUID})
	settled("the owner is a namespace")

	one, two := o.pod("one", false), o.pod("two", false)
	o.configMap("of-both", one, two)
	o.configMap("of-one-and-none", one, metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: "absent", UID: noUID})
	settled("one of two owners never existed")
	o.delete(two, none)
	settled("one of two owners is deleted")
	o.delete(one, none)
	settled("both owners are deleted")
	o.configMap("free")
	_, err = core.ConfigMaps(o.namespace).Patch(ctx, "free", types.StrategicMergePatchType,
		[]byte(`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"absent","uid":"`+string(noUID)+`"}]}}`), metav1.PatchOptions{})
	o.must(err)
	settled("a patch adds an owner that does not exist")

	graceful := o.pod("graceful", true)
	o.configMap("of-graceful", graceful)
	o.delete(graceful, none)
	settled("the owner is being deleted")
	o.configMap("late-of-graceful", graceful)
	settled("a dependent is created while the owner is being deleted")
	o.delete(graceful, now)
	settled("the node has stopped the owner")

	chain := o.configMap("chain-1")
	middle := o.configMap("chain-2", chain)
	o.configMap("chain-3", middle)
	o.pod("chain-pod", true, middle)
	o.delete(chain, none)
	settled("a dependent has dependents, and one is a pod with a node")
	held := o.configMap("owner-of-held")
	release := o.held("held", held)
	o.delete(held, none)
	settled("a finalizer holds a dependent")
	release()
	settled("the finalizer is removed")

	for _, bound := range []bool{false, true} {
		for _, p := range []metav1.DeletionPropagation{metav1.DeletePropagationOrphan, metav1.DeletePropagationForeground, metav1.DeletePropagationBackground} {
			name := strings.ToLower(fmt.Sprintf("%s-%v", p, bound))
			owner := o.pod(name, bound)
			o.configMap("of-"+name, owner)
			o.configMap("block-"+name, blocking(owner))
			o.configMap("under-"+name, o.configMap("of-2-"+name, blocking(owner)))
			o.delete(owner, policy(p))
			settled("delete with policy " + name)
			if bound {
				o.delete(owner, now)
				settled("the node has stopped the pod of policy " + name)
			}
		}
	}
	foreground := o.configMap("foreground")
	release = o.held("blocks", blocking(foreground))
	o.configMap("blocks-not", foreground)
	o.delete(foreground, policy(metav1.DeletePropagationForeground))
	settled("a finalizer holds a dependent that the owner waits for")
	o.configMap("late-under-foreground", foreground)
	settled("a dependent is created while the owner waits")
	release()
	settled("the owner waits for nothing")
	foreground = o.configMap("foreground-2")
	release = o.held("blocks-2", blocking(foreground))
	o.delete(foreground, policy(metav1.DeletePropagationForeground))
	settled("the owner waits")
	o.delete(foreground, policy(metav1.DeletePropagationBackground))
	settled("a second delete does not wait")
	release()
	settled("the end")
}

// The fake cluster collects what a real garbage collector collects, and nothing else.
func TestParityWithRealGarbageCollector(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var names []string
	var want [][]string
	fake := owners{t: t, client: fakecluster.New(fakecluster.Options{}).Client(), namespace: "steps", other: "other"}
	for _, name := range []string{fake.namespace, fake.other} {
		_, err := fake.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		fake.must(err)
	}
	collectionSteps(fake, func(step string) { names, want = append(names, step), append(want, fake.exists()) })

	server := apiserver.ForTestWithControllers(t)
	real := owners{t: t, client: server.Client, namespace: server.Namespace(t), other: server.Namespace(t)}
	at := 0
	collectionSteps(real, func(step string) {
		var diff string
		reached := func() bool {
			got := real.exists()
			diff = cmp.Diff(got, want[at])
			return diff == ""
		}
		defer func() {
			if t.Failed() {
				t.Errorf("%s: a real cluster (-) and the fake one (+) differ:\n%s", step, diff)
			}
		}()
		testkit.Eventually(t, "the real garbage collector does what the fake one does: "+step, reached)
		// The collector is not late: it has also looked at an object that came after all others.
		last := fmt.Sprintf("last-%d", at)
		real.configMap(last, metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: last, UID: types.UID(last)})
		testkit.Eventually(t, "the real garbage collector has looked at all objects", func() bool {
			_, err := server.Client.CoreV1().ConfigMaps(real.namespace).Get(ctx, last, metav1.GetOptions{})
			return apierrors.IsNotFound(err)
		})
		if !reached() {
			t.Fatal("the real garbage collector went on")
		}
		at++
	})
	if !slices.Contains(names, "the end") {
		t.Error("the steps did not reach their end")
	}
}

// A held collector shows what exists before it works.
func TestHeldCollection(t *testing.T) {
	cluster := fakecluster.New(fakecluster.Options{HoldCollection: true})
	o := owners{t: t, client: cluster.Client(), namespace: "default"}
	pod := o.pod("owner", false)
	o.configMap("owned", pod)
	o.delete(pod, metav1.DeleteOptions{})
	if diff := cmp.Diff([]string{"ConfigMap owned of Pod owner"}, o.exists()); diff != "" {
		t.Error("before the collection", diff)
	}
	cluster.Collect()
	if got := o.exists(); len(got) > 0 {
		t.Error("after the collection", got)
	}
}
