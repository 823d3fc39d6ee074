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

// The deletion of a claim completes when no pod uses it, on an API server that has the
// finalizer but no controllers.
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
	exists := func(name string) bool {
		_, err := core.PersistentVolumeClaims(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		return err == nil
	}
	if !exists("unused") {
		t.Fatal("the API server adds no finalizer to claims, so this test cannot test anything")
	}
	finalize := func() {
		if err := node.FinalizeUnusedClaims(t.Context(), server.Client, namespace); err != nil {
			t.Fatal(err)
		}
	}
	finalize()
	if exists("unused") || !exists("used") || !exists("kept") {
		t.Errorf("while the pod exists: unused claim exists=%v, used claim exists=%v, claim that is not deleted exists=%v", exists("unused"), exists("used"), exists("kept"))
	}
	if err := core.Pods(namespace).Delete(t.Context(), "user", metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	finalize()
	if exists("used") || !exists("kept") {
		t.Errorf("after the pod is deleted: used claim exists=%v, claim that is not deleted exists=%v", exists("used"), exists("kept"))
	}
}
