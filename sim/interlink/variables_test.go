package interlink_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

func refTo(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }

func fromField(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
}

func fromKey(name, configMap, key string, optional bool) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: refTo(configMap), Key: key, Optional: &optional,
	}}}
}

func envObjects() interlink.Objects {
	objects := interlink.Objects{ConfigMaps: []corev1.ConfigMap{{Data: map[string]string{"K": "v", "OWN": "shadowed", "no name": "x"}}}}
	objects.ConfigMaps[0].Name = "map"
	return interlink.AdmitObjects(objects, interlink.Options{})
}

func envPod() *corev1.Pod {
	pod := podOf("p", "a")
	pod.Annotations = map[string]string{"note": "n"}
	c := &pod.Spec.Containers[0]
	c.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}
	c.EnvFrom = []corev1.EnvFromSource{
		{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: refTo("map")}},
		{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: refTo("none"), Optional: ptr.To(true)}},
	}
	c.Env = []corev1.EnvVar{
		{Name: "OWN", Value: "1"},
		{Name: "DEP", Value: "$(OWN)-$(K)-$(NONE)-$$(OWN)-$"},
		fromKey("KEY", "map", "K", false),
		fromKey("MISSING", "none", "K", true),
		fromField("NAME", "metadata.name"),
		fromField("NODE", "spec.nodeName"),
		fromField("NOTE", "metadata.annotations['note']"),
		fromField("NO_NOTE", "metadata.annotations['none']"),
		{Name: "CPU", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"}}},
	}
	return pod
}

// variablesOf returns the variables in the create of envPod.
func variablesOf(t *testing.T, options interlink.Options) map[string]string {
	t.Helper()
	body, err := interlink.CreateRequest(interlink.Admit(envPod(), options), envObjects(), options)
	if err != nil {
		t.Fatal(err)
	}
	if body.Pod.Spec.Containers[0].EnvFrom != nil {
		t.Error("the container still has envFrom")
	}
	env := map[string]string{}
	for _, variable := range body.Pod.Spec.Containers[0].Env {
		env[variable.Name] = variable.Value
		if variable.ValueFrom != nil {
			env[variable.Name] = "(reference)"
		}
	}
	return env
}

func TestVariablesAreResolved(t *testing.T) {
	want := map[string]string{
		"K": "v", "OWN": "1", "DEP": "1-v-$(NONE)-$(OWN)-$", "KEY": "v",
		"NAME": "p", "NODE": "vnode", "NOTE": "n", "NO_NOTE": "",
	}
	if diff := cmp.Diff(want, variablesOf(t, interlink.Options{})); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

func TestVariablesUnderSkipDownwardAPIResolution(t *testing.T) {
	want := map[string]string{
		"K": "v", "no name": "x", "OWN": "1", "DEP": "$(OWN)-$(K)-$(NONE)-$$(OWN)-$", "KEY": "v", "MISSING": "(reference)",
		"NAME": "p", "NODE": "", "NOTE": "n", "NO_NOTE": "(reference)", "CPU": "500m",
	}
	options := interlink.Options{VirtualKubelet: scenario.VirtualKubelet{SkipDownwardAPIResolution: true}}
	if diff := cmp.Diff(want, variablesOf(t, options)); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}
