package node_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

// A claim that is deleted goes once no pod uses it, on an API server that
// protects it and has no controllers.
func TestFinalizeUnusedClaims(t *testing.T) {
	server := apiserver.ForTest(t)
	namespace := server.Namespace(t)
	core := server.Client.CoreV1()
	for _, name := range []string{"used", "unused", "kept"} {
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
		}}
		if _, err := core.PersistentVolumeClaims(namespace).Create(t.Context(), claim, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "user"}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "main", Image: "busybox"}},
		Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "used"},
		}}},
	}}
	if _, err := core.Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"used", "unused"} {
		if err := core.PersistentVolumeClaims(namespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	there := func(name string) bool {
		_, err := core.PersistentVolumeClaims(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		return err == nil
	}
	if !there("unused") {
		t.Fatal("the API server does not protect claims: this tests nothing")
	}
	release := func() {
		if err := node.FinalizeUnusedClaims(t.Context(), server.Client, namespace); err != nil {
			t.Fatal(err)
		}
	}
	release()
	if there("unused") || !there("used") || !there("kept") {
		t.Errorf("unused %v, used %v, kept %v", there("unused"), there("used"), there("kept"))
	}
	if err := core.Pods(namespace).Delete(t.Context(), "user", metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	release()
	if there("used") || !there("kept") {
		t.Errorf("used %v, kept %v", there("used"), there("kept"))
	}
}
