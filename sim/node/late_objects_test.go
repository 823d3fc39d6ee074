package node_test

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/node"
)

// A pod stays without a node while it has a gate. Then it waits for a Secret that it
// mounts, and for a ConfigMap that a variable names.
func TestPodWaitsForLateObjects(t *testing.T) {
	run := func(t *testing.T, client kubernetes.Interface, namespace string) {
		ctx, core := t.Context(), client.CoreV1()
		pod := remotePod("waits")
		pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/gate"}}
		pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "late"}}}}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/v"}}
		pod.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "late"}}}}
		for _, pod := range []*corev1.Pod{pod, remotePod("free")} {
			if _, err := core.Pods(namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		eventually := func(name, want string) {
			t.Helper()
			testkit.EventuallyNoError(ctx, t, testkit.Timeout, name+" is "+want, func(ctx context.Context) error {
				pod, err := core.Pods(namespace).Get(ctx, name, metav1.GetOptions{})
				if err != nil {
					return err
				}
				got := string(pod.Status.Phase)
				for _, c := range pod.Status.ContainerStatuses {
					if c.State.Waiting != nil {
						got += " " + c.State.Waiting.Reason
					}
				}
				for _, c := range pod.Status.Conditions {
					if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
						got += " " + c.Reason
					}
				}
				if got != want {
					return fmt.Errorf("it is %s", got)
				}
				return nil
			})
		}
		eventually("free", "Succeeded")
		eventually("waits", "Pending SchedulingGated")
		patch := []byte(`{"spec":{"schedulingGates":[{"$patch":"delete","name":"example.com/gate"}]}}`)
		if _, err := core.Pods(namespace).Patch(ctx, "waits", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually("waits", "Pending ContainerCreating")
		if _, err := core.Secrets(namespace).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "late"}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually("waits", "Pending CreateContainerConfigError")
		if _, err := core.ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "late"}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually("waits", "Succeeded")
	}
	t.Run("fake", func(t *testing.T) {
		clock := node.ScaledClock(50)
		client := fakecluster.New(fakecluster.Options{Now: clock.Now}).Client()
		runNodes(t, node.Options{Client: client, Clock: clock})
		run(t, client, "default")
	})
	t.Run("real", func(t *testing.T) {
		server := apiserver.ForTest(t)
		config := rest.CopyConfig(server.Config)
		config.QPS = -1
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		runNodes(t, node.Options{Client: client, Clock: node.ScaledClock(50), Name: "late-objects"})
		run(t, client, server.Namespace(t))
	})
}
