package translate_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// reasonsOf returns the reasons why the pod of a spec is not translated.
func reasonsOf(t *testing.T, spec corev1.PodSpec, annotations map[string]string) []string {
	t.Helper()
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "pod", UID: "uid", Annotations: annotations}, Spec: spec}
	options := translate.Options{Offloading: config.Offloading{UnsupportedVolumes: config.RefuseVolumes}}
	_, err := translate.ToObjects(&wire.CreateRequest{Pod: pod}, options)
	if err == nil {
		t.Fatal("the pod is not refused")
	}
	return errdefs.Reasons(err)
}

// A request can hold tens of thousands of problems and of volumes that the site does not permit.
// The error counts each once, and names ten.
func TestManyReasons(t *testing.T) {
	const many = 50_000
	main := corev1.Container{Name: "main"}
	spec := corev1.PodSpec{}
	for i := range many {
		name := fmt.Sprint("v", i)
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}})
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
		for range 2 { // each problem twice
			main.EnvFrom = append(main.EnvFrom, corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}})
		}
	}
	spec.Containers = []corev1.Container{main}
	got := reasonsOf(t, spec, nil)
	if want := fmt.Sprintf("and %d more", 2*many-10); len(got) != 11 || got[10] != want {
		t.Errorf("the reasons are %q, want ten and %q", got, want)
	}
}

// A volume that many containers mount names ten of them.
func TestManyUsersOfAVolume(t *testing.T) {
	spec := corev1.PodSpec{Volumes: []corev1.Volume{{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}}
	for i := range 2000 {
		spec.Containers = append(spec.Containers, corev1.Container{Name: fmt.Sprint("c", i), VolumeMounts: []corev1.VolumeMount{{Name: "host", MountPath: "/host"}}})
	}
	got := reasonsOf(t, spec, nil)
	want := "volume host (hostPath) (mounted by c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, and 1990 more) is left out: "
	if len(got) != 1 || !strings.HasPrefix(got[0], want) {
		t.Errorf("the reasons are %q, want %q", got, want)
	}
}

// Two volumes of one claim whose annotation is malformed have one problem.
func TestTheSameProblemOfTwoVolumes(t *testing.T) {
	spec := corev1.PodSpec{}
	main := corev1.Container{Name: "main"}
	for _, name := range []string{"a", "b"} {
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}})
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
	}
	spec.Containers = []corev1.Container{main}
	got := reasonsOf(t, spec, map[string]string{wire.AnnotationRemotePVC: "data", wire.AnnotationClaimPrefix + "data": "{"})
	if len(got) != 1 || !strings.HasPrefix(got[0], "annotation interlink.io/remote-pvc.data: ") {
		t.Errorf("the reasons are %q, want one of the annotation", got)
	}
}
