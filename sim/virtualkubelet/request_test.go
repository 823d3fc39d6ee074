package virtualkubelet

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

func ref(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }

func field(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
}

func key(name, configMap, key string, optional bool) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: ref(configMap), Key: key, Optional: &optional,
	}}}
}

func envObjects() Objects {
	objects := Objects{ConfigMaps: []corev1.ConfigMap{{Data: map[string]string{"K": "v", "OWN": "not seen", "no name": "x"}}}}
	objects.ConfigMaps[0].Name = "map"
	return AdmitObjects(objects, Options{})
}

func envPod() *corev1.Pod {
	pod := podOf("p", "a")
	pod.Annotations = map[string]string{"note": "n"}
	c := &pod.Spec.Containers[0]
	c.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}
	c.EnvFrom = []corev1.EnvFromSource{
		{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: ref("map")}},
		{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: ref("none"), Optional: ptr.To(true)}},
	}
	c.Env = []corev1.EnvVar{
		{Name: "OWN", Value: "1"},
		{Name: "DEP", Value: "$(OWN)-$(K)-$(NONE)-$$(OWN)-$"},
		key("KEY", "map", "K", false),
		key("GONE", "none", "K", true),
		field("NAME", "metadata.name"),
		field("NODE", "spec.nodeName"),
		field("NOTE", "metadata.annotations['note']"),
		field("NO_NOTE", "metadata.annotations['none']"),
		{Name: "CPU", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"}}},
	}
	return pod
}

func envOf(t *testing.T, options Options) map[string]string {
	t.Helper()
	body, err := CreateRequest(Admit(envPod(), options), envObjects(), options)
	if err != nil {
		t.Fatal(err)
	}
	if body.Pod.Spec.Containers[0].EnvFrom != nil {
		t.Error("envFrom is left")
	}
	env := map[string]string{}
	for _, variable := range body.Pod.Spec.Containers[0].Env {
		env[variable.Name] = variable.Value
		if variable.ValueFrom != nil {
			env[variable.Name] = "a reference"
		}
	}
	return env
}

func TestEnvResolved(t *testing.T) {
	want := map[string]string{
		"K": "v", "OWN": "1", "DEP": "1-v-$(NONE)-$(OWN)-$", "KEY": "v",
		"NAME": "p", "NODE": "vnode", "NOTE": "n", "NO_NOTE": "",
	}
	if diff := cmp.Diff(want, envOf(t, Options{})); diff != "" {
		t.Errorf("env (-want +got):\n%s", diff)
	}
}

func TestEnvLeftInPlace(t *testing.T) {
	want := map[string]string{
		"K": "v", "no name": "x", "OWN": "1", "DEP": "$(OWN)-$(K)-$(NONE)-$$(OWN)-$", "KEY": "v", "GONE": "a reference",
		"NAME": "p", "NODE": "", "NOTE": "n", "NO_NOTE": "a reference", "CPU": "500m",
	}
	options := Options{VirtualKubelet: scenario.VirtualKubelet{SkipDownwardAPIResolution: true}}
	if diff := cmp.Diff(want, envOf(t, options)); diff != "" {
		t.Errorf("env (-want +got):\n%s", diff)
	}
}

func TestDisabledContainersStay(t *testing.T) {
	pod := podOf("p", "a", "b")
	pod.Spec.InitContainers = []corev1.Container{{Name: "i", Image: "busybox"}, {Name: "j", Image: "busybox"}}
	pod.Annotations = map[string]string{
		"interlink.eu/disable-offload-containers": "b, none", "interlink.eu/disable-offload-init-containers": " i",
	}
	admitted := Admit(pod, Options{})
	body, err := CreateRequest(admitted, Objects{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range body.Containers {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff([]string{"j", "a"}, names); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
	if n := len(body.Pod.Spec.InitContainers) + len(body.Pod.Spec.Containers); n != 2 {
		t.Errorf("%d containers in the pod", n)
	}
	status := StatusRequest(submitted(admitted, Options{}), "jid")[0]
	if len(status.Spec.Containers) != 2 || len(status.Spec.InitContainers) != 2 || len(status.Status.ContainerStatuses) != 2 {
		t.Error("a status request lacks the containers that stay")
	}
}

func TestMissingVolumeIsNotSent(t *testing.T) {
	pod := podOf("p", "a")
	pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
		Secret: &corev1.SecretVolumeSource{SecretName: "none", Optional: ptr.To(true)},
	}}}
	if _, err := CreateRequest(Admit(pod, Options{}), Objects{}, Options{}); err == nil {
		t.Error("it was sent")
	}
}

func TestQOSClass(t *testing.T) {
	full := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("1Gi")}
	for want, limits := range map[corev1.PodQOSClass]corev1.ResourceList{
		corev1.PodQOSBestEffort: nil, corev1.PodQOSGuaranteed: full,
		corev1.PodQOSBurstable: {corev1.ResourceCPU: resource.MustParse("1")},
	} {
		pod := podOf("p", "a")
		pod.Spec.Containers[0].Resources.Limits = limits
		if got := Admit(pod, Options{}).Status.QOSClass; got != want {
			t.Errorf("%v: %s, want %s", limits, got, want)
		}
	}
}
