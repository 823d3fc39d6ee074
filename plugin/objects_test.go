package plugin_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// podOf returns a create request for a pod with the given containers.
func podOf(name string, containers ...corev1.Container) wire.CreateRequest {
	return wire.CreateRequest{Pod: corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "demo", UID: uuid.NewUUID()},
		Spec:       corev1.PodSpec{Containers: containers, RestartPolicy: corev1.RestartPolicyNever},
	}}
}

// busybox returns a container with mounts of the given volumes.
func busybox(name string, mounts ...string) corev1.Container {
	c := corev1.Container{Name: name, Image: "busybox"}
	for _, volume := range mounts {
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: "/" + volume})
	}
	return c
}

func configMapVolume(name, configMap string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: configMap},
	}}}
}

// remoteConfigMaps returns the ConfigMaps of a pod in the remote cluster.
func (h *harness) remoteConfigMaps(pod corev1.Pod) []corev1.ConfigMap {
	h.t.Helper()
	list, err := h.admin.CoreV1().ConfigMaps("").List(context.Background(), metav1.ListOptions{LabelSelector: scope.PodSelector(string(pod.UID))})
	h.must(err)
	return list.Items
}

// The request has the ConfigMap twice (docs/contract.md, VOL-1). The Python plugin failed
// this pod.
func TestTwoContainersShareAConfigMap(t *testing.T) {
	h := start(t)
	r := podOf("shared", busybox("one", "config"), busybox("two", "config"))
	r.Pod.Spec.Volumes = []corev1.Volume{configMapVolume("config", "app")}
	app := []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "demo"}, Data: map[string]string{"k": "v"}}}
	r.Containers = []wire.ContainerVolumes{{Name: "one", ConfigMaps: app}, {Name: "two", ConfigMaps: app}}
	h.create(r)
	created := h.remoteConfigMaps(r.Pod)
	if len(created) != 1 || created[0].Data["k"] != "v" {
		t.Fatalf("the ConfigMaps are %v", created)
	}
	if ref := h.remotePod(r.Pod).Spec.Volumes[0].ConfigMap.Name; ref != created[0].Name {
		t.Errorf("the pod mounts %s, the ConfigMap is %s", ref, created[0].Name)
	}
}

// The Python plugin cut names at 63 characters and so lost the UID: two pods with the same
// long name got the same objects, and the delete of one deleted the other.
func TestLongNamesAreUnique(t *testing.T) {
	h := start(t)
	name := strings.Repeat("a-long-name", 8) // 88 characters
	one, two := podOf(name, busybox("main")), podOf(name, busybox("main"))
	first, second := h.create(one), h.create(two)
	if first.PodJID == second.PodJID || h.remotePod(one.Pod).Name == h.remotePod(two.Pod).Name {
		t.Fatalf("two local pods got the same remote pod: %+v %+v", first, second)
	}
	h.delete(one.Pod)
	if h.objects(string(one.Pod.UID)) != "" {
		t.Error("the first pod was not deleted")
	}
	if h.remotePod(two.Pod).UID == "" {
		t.Error("the second pod was deleted")
	}
}

func TestBinaryDataIsCopied(t *testing.T) {
	h := start(t)
	r := podOf("binary", busybox("main", "config"))
	r.Pod.Spec.Volumes = []corev1.Volume{configMapVolume("config", "blob")}
	blob := map[string][]byte{"blob.bin": {0, 1, 2, 255}}
	r.Containers = []wire.ContainerVolumes{{Name: "main", ConfigMaps: []corev1.ConfigMap{
		{ObjectMeta: metav1.ObjectMeta{Name: "blob", Namespace: "demo"}, BinaryData: blob},
	}}}
	h.create(r)
	created := h.remoteConfigMaps(r.Pod)
	if len(created) != 1 || cmp.Diff(blob, created[0].BinaryData) != "" {
		t.Errorf("the ConfigMaps are %v", created)
	}
}

// A ConfigMap that only variables use is in no volume. The Python plugin deleted by
// volumes and did not delete it.
func TestConfigMapsOfVariablesAreDeletedWithThePod(t *testing.T) {
	h := start(t)
	r := podOf("env", busybox("main"))
	r.Pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "K", ValueFrom: &corev1.EnvVarSource{
		ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "app"}, Key: "k"},
	}}}
	r.Pod.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: "keys"},
	}}}
	r.Containers = []wire.ContainerVolumes{{
		Name:       "main",
		ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "demo"}, Data: map[string]string{"k": "v"}}},
		Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "keys", Namespace: "demo"}, Data: map[string][]byte{"K": []byte("v")}}},
	}}
	h.create(r)
	created := h.remoteConfigMaps(r.Pod)
	main := h.remotePod(r.Pod).Spec.Containers[0]
	if len(created) != 1 || main.Env[0].ValueFrom.ConfigMapKeyRef.Name != created[0].Name {
		t.Fatalf("the ConfigMaps are %v, the variables are %+v", created, main.Env)
	}
	h.delete(r.Pod)
	h.expectNone(r.Pod)
}

// Pods that the Python plugin created have no instance label, and names that are cut at 63
// characters. After an upgrade the plugin reports and deletes them, and a create does not
// create a second pod.
func TestPodsOfThePythonPlugin(t *testing.T) {
	h := start(t)
	r := podOf(strings.Repeat("a-long-name", 8), busybox("main"))
	namespace := h.namespace("demo")
	_, err := h.admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	h.must(err)
	python, err := h.admin.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:   r.Pod.Name[:63],
			Labels: map[string]string{"interlink.io": "offloading", "interlink.io/source.pod_uid": string(r.Pod.UID)},
		},
		Spec: r.Pod.Spec,
	}, metav1.CreateOptions{})
	h.must(err)

	h.setStatus(r.Pod, corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{statusOf("main", running())}})
	h.eventuallyStatus(r.Pod, string(python.UID), func(s wire.PodStatus) bool { return s.Containers[0].State.Running != nil })
	if answer := h.create(r); answer.PodJID != python.Name {
		t.Errorf("create returns %+v, the pod is %s", answer, python.Name)
	}
	h.delete(r.Pod)
	h.expectNone(r.Pod)
}
