package fakecluster_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
)

func podOf(name, label string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"l": label}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, Message: "nobody may say this on create"},
	}
}

var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

// steps does the same on any cluster and tells what it saw. Fields that a real
// API server sets and nobody here relies on are not looked at.
func steps(t *testing.T, client kubernetes.Interface, namespace string) []string {
	ctx, core := t.Context(), client.CoreV1()
	pods := core.Pods(namespace)
	var told []string
	tell := func(format string, args ...any) {
		text := ids.ReplaceAllString(strings.ReplaceAll(fmt.Sprintf(format, args...), namespace, "NS"), "UID")
		told = append(told, text)
	}
	show := func(what string, pod *corev1.Pod, err error) {
		if err != nil {
			tell("%s: %v", what, err)
			return
		}
		var conditions []string
		for _, c := range pod.Status.Conditions {
			conditions = append(conditions, fmt.Sprintf("%s=%s", c.Type, c.Status))
		}
		tell("%s: %s %v uid %v rv %v time %v, node %q, deleted %v %d, %s %q %v, policy %s grace %d, spec %s", what, pod.Name, pod.Labels, pod.UID != "",
			pod.ResourceVersion != "", !pod.CreationTimestamp.IsZero(), pod.Spec.NodeName, pod.DeletionTimestamp != nil,
			ptr.Deref(pod.DeletionGracePeriodSeconds, -1), pod.Status.Phase, pod.Status.Message, conditions,
			pod.Spec.RestartPolicy, *pod.Spec.TerminationGracePeriodSeconds, pod.Spec.DNSPolicy+corev1.DNSPolicy(pod.Spec.Containers[0].ImagePullPolicy))
	}
	watcher, err := pods.Watch(ctx, metav1.ListOptions{LabelSelector: "l=a"})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()

	make := func(name, label string) *corev1.Pod {
		made, err := pods.Create(ctx, podOf(name, label), metav1.CreateOptions{})
		show("create", made, err)
		return made
	}
	remove := func(name string, options metav1.DeleteOptions) {
		tell("delete %s: %v", name, pods.Delete(ctx, name, options))
		got, err := pods.Get(ctx, name, metav1.GetOptions{})
		show("then", got, err)
	}
	bind := func(name string) {
		binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: name}, Target: corev1.ObjectReference{Kind: "Node", Name: "nowhere"}}
		tell("bind %s: %v", name, pods.Bind(ctx, binding, metav1.CreateOptions{}))
	}
	one := make("one", "a")
	make("one", "a")
	make("two", "b")
	_, err = core.Pods("absent").Create(ctx, podOf("one", "a"), metav1.CreateOptions{})
	tell("no namespace: %v", err)
	for _, selector := range []string{"l=a", "l in (a,b)", "l!=a", "l,x!=y", ""} {
		list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: selector})
		var names []string
		for _, pod := range list.Items {
			names = append(names, pod.Name)
		}
		tell("list %s: %v %v", selector, names, err)
	}
	bind("absent")
	bind("one")
	bind("one")

	patch := func(name, body string) {
		made, err := pods.Patch(ctx, name, types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{})
		if err != nil {
			tell("patch %s: %v", body, err)
			return
		}
		tell("patch %s: deadline %d, annotation %q", body, ptr.Deref(made.Spec.ActiveDeadlineSeconds, -1), made.Annotations["a"])
	}
	patch("absent", `{"spec":{"activeDeadlineSeconds":9}}`)
	patch("two", `{"metadata":{"uid":"00000000-0000-0000-0000-000000000000"},"spec":{"activeDeadlineSeconds":9}}`)
	patch("two", `{"metadata":{"annotations":{"a":"b"}}}`)
	patch("two", `{"spec":{"activeDeadlineSeconds":9}}`)
	patch("two", `{"spec":{"activeDeadlineSeconds":1}}`)
	patch("two", `{"metadata":{"annotations":{"a":null}}}`)
	patch("two", `no JSON`)
	// A real API server says more: it checks several times.
	refused := func(what string, err error) {
		_, first, _ := strings.Cut(fmt.Sprint(err), "spec.activeDeadlineSeconds: ")
		first, _, _ = strings.Cut(first, ", spec")
		tell("%s: %v %s", what, apierrors.IsInvalid(err), strings.TrimSuffix(first, "]"))
	}
	for _, deadline := range []string{"2", "null", "0", "-1", "4294967296"} {
		_, err = pods.Patch(ctx, "two", types.StrategicMergePatchType, []byte(`{"spec":{"activeDeadlineSeconds":`+deadline+`}}`), metav1.PatchOptions{})
		refused("deadline "+deadline, err)
	}
	late, err := pods.Get(ctx, "two", metav1.GetOptions{})
	show("get", late, err)
	late.Spec.ActiveDeadlineSeconds = ptr.To[int64](3)
	_, err = pods.Update(ctx, late, metav1.UpdateOptions{})
	refused("an update to a later deadline", err)

	service := func(name, label string) {
		made, err := core.Services(namespace).Create(ctx, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"l": label}},
			Spec:       corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"l": label}, Ports: []corev1.ServicePort{{Port: 80}}},
		}, metav1.CreateOptions{})
		tell("service %s: %v %v %v", name, err == nil && made.UID != "", apierrors.IsInvalid(err), apierrors.IsAlreadyExists(err))
	}
	service("web", "a")
	service("web", "a")
	service("other", "b")
	service("not.a.label", "a")
	service("label", "not a value")
	services, err := core.Services(namespace).List(ctx, metav1.ListOptions{LabelSelector: "l=a"})
	tell("services: %d %v", len(services.Items), err)
	got, err := core.Services(namespace).Get(ctx, "web", metav1.GetOptions{})
	tell("get service: %s %s %v %v", got.Name, got.Spec.ClusterIP, got.Spec.Selector, err)
	tell("delete another service: %v", core.Services(namespace).Delete(ctx, "web",
		metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: ptr.To(types.UID("00000000-0000-0000-0000-000000000000"))}}))
	tell("delete service: %v", core.Services(namespace).Delete(ctx, "web", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &got.UID}}))
	_, err = core.Services(namespace).Get(ctx, "web", metav1.GetOptions{})
	tell("it is gone: %v", err)

	_, err = pods.UpdateStatus(ctx, withPhase(one, corev1.PodRunning), metav1.UpdateOptions{})
	tell("stale status: %v", err)
	one, err = pods.Get(ctx, "one", metav1.GetOptions{})
	show("get", one, err)
	one, err = pods.UpdateStatus(ctx, withPhase(one, corev1.PodRunning), metav1.UpdateOptions{})
	show("status", one, err)
	again, err := pods.UpdateStatus(ctx, one, metav1.UpdateOptions{})
	tell("no change: %v %v", again.ResourceVersion == one.ResourceVersion, err)
	one.Labels["l"], one.Status.Phase = "b", corev1.PodFailed
	one, err = pods.Update(ctx, one, metav1.UpdateOptions{})
	show("label away", one, err)
	one.Labels["l"] = "a"
	one, err = pods.Update(ctx, one, metav1.UpdateOptions{})
	show("label back", one, err)

	bare := withPhase(one, corev1.PodRunning)
	bare.Labels, bare.ResourceVersion = nil, ""
	one, err = pods.UpdateStatus(ctx, bare, metav1.UpdateOptions{})
	show("status without labels", one, err)
	one.Labels = map[string]string{"l": "a"}
	one, err = pods.UpdateStatus(ctx, one, metav1.UpdateOptions{})
	show("status with labels", one, err)

	remove("one", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: ptr.To(types.UID("00000000-0000-0000-0000-000000000000"))}})
	remove("one", metav1.DeleteOptions{})
	bind("one")
	remove("one", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](50)})
	remove("one", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](5)})
	remove("one", metav1.DeleteOptions{})
	remove("one", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0), Preconditions: &metav1.Preconditions{UID: &one.UID}})
	remove("one", metav1.DeleteOptions{})
	remove("two", metav1.DeleteOptions{})

	for _, name := range []string{"three", "four", "five"} {
		make(name, "a")
	}
	make("six", "b")
	bind("four")
	bind("five")
	done, err := pods.Get(ctx, "five", metav1.GetOptions{})
	show("get", done, err)
	_, err = pods.UpdateStatus(ctx, withPhase(done, corev1.PodSucceeded), metav1.UpdateOptions{})
	tell("succeed: %v", err)
	tell("collection: %v", pods.DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](7)}, metav1.ListOptions{LabelSelector: "l=a"}))
	left, err := pods.List(ctx, metav1.ListOptions{})
	for i := range left.Items {
		show("left", &left.Items[i], err)
	}
	_, err = core.ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "Bad_Name"}}, metav1.CreateOptions{})
	tell("bad name: %v", err)
	long := podOf("mounts", "c")
	long.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "gone", MountPath: "/x"}}
	_, err = pods.Create(ctx, long, metav1.CreateOptions{})
	tell("no volume: %v", err)
	_, err = pods.GetLogs("absent", &corev1.PodLogOptions{}).Stream(ctx)
	tell("logs of no pod: %v", err)
	_, err = pods.GetLogs("six", &corev1.PodLogOptions{Container: "other"}).Stream(ctx)
	tell("logs of no container: %v", err)

	// The end of the story, so that all before it has arrived.
	make("end", "a")
	timeout, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		select {
		case e := <-watcher.ResultChan():
			pod := e.Object.(*corev1.Pod)
			show("watched "+string(e.Type), pod, nil)
			if pod.Name == "end" {
				return told
			}
		case <-timeout.Done():
			t.Fatal("the watch is quiet")
		}
	}
}

func withPhase(pod *corev1.Pod, phase corev1.PodPhase) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Status.Phase = phase
	return pod
}

// What the plugin relies on of a real API server holds in memory too.
func TestAsARealAPIServer(t *testing.T) {
	server := apiserver.ForTest(t)
	want := steps(t, server.Client, server.Namespace(t))
	client := fakecluster.New(fakecluster.Options{}).Client()
	name := "mem-" + string(uuid.NewUUID())[:8]
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, steps(t, client, name)); diff != "" {
		t.Errorf("a real API server (-) and memory (+) differ:\n%s", diff)
	}
}
