package play

import (
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// refuseRepeated refuses the create of a pod whose key an earlier create had.
func refuseRepeated(key func(podName) string) answerFunc {
	return func(c *call) (int, []byte) {
		if _, repeated := c.seen.LoadOrStore(key(podOf(c)), true); repeated {
			return http.StatusConflict, []byte("already exists")
		}
		return c.forward()
	}
}

func remotePodsOf(c *call, uid string) []corev1.Pod {
	pods, _ := c.remote.CoreV1().Pods("").List(background, metav1.ListOptions{LabelSelector: scope.PodSelector(uid)})
	return pods.Items
}

// replaceRemotePodOfRepeatedCreate replaces the pod itself: a plugin whose pod is deleted before a second create would
// create it again only if it has heard of the delete already.
func replaceRemotePodOfRepeatedCreate(c *call, uid string) {
	if _, repeated := c.seen.LoadOrStore(uid, true); !repeated {
		return
	}
	for _, pod := range remotePodsOf(c, uid) {
		pods := c.remote.CoreV1().Pods(pod.Namespace)
		_ = pods.Delete(background, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
		pod.ObjectMeta = metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels, Annotations: pod.Annotations}
		pod.Spec.NodeName, pod.Status = "", corev1.PodStatus{}
		_, _ = pods.Create(background, &pod, metav1.CreateOptions{})
	}
}

func createSecondRemotePod(c *call, uid string) {
	for _, pod := range remotePodsOf(c, uid) {
		pod.ObjectMeta = metav1.ObjectMeta{Name: "second", Namespace: pod.Namespace, Labels: pod.Labels}
		_, _ = c.remote.CoreV1().Pods(pod.Namespace).Create(background, &pod, metav1.CreateOptions{})
	}
}

func deleteAllSecrets(c *call, _ string) {
	secrets, _ := c.remote.CoreV1().Secrets("").List(background, allObjects)
	for _, s := range secrets.Items {
		_ = c.remote.CoreV1().Secrets(s.Namespace).Delete(background, s.Name, metav1.DeleteOptions{})
	}
}

func deleteAllClaims(c *call, _ string) {
	claims, _ := c.remote.CoreV1().PersistentVolumeClaims("").List(background, allObjects)
	for _, claim := range claims.Items {
		_ = c.remote.CoreV1().PersistentVolumeClaims(claim.Namespace).Delete(background, claim.Name, metav1.DeleteOptions{})
	}
}

func createService(c *call, uid string) {
	_, _ = c.remote.CoreV1().Services("default").Create(background, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "left", Labels: map[string]string{wire.LabelPodUID: uid}},
		Spec:       corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone},
	}, metav1.CreateOptions{})
}

func createConfigMap(c *call, uid string) {
	_, _ = c.remote.CoreV1().ConfigMaps("default").Create(background, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "left", Labels: map[string]string{wire.LabelPodUID: uid}},
	}, metav1.CreateOptions{})
}

// createRelease creates the record of a Helm release that belongs to the pod under a
// label that the plugin does not know.
func createRelease(c *call, uid string) {
	_, _ = c.remote.CoreV1().Secrets("default").Create(background, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "sh.helm.release.v1.left.v1", Labels: map[string]string{
			wire.LabelTunnelUID: "another", "owner": "helm", "name": "left", "of": uid,
		}},
	}, metav1.CreateOptions{})
}
