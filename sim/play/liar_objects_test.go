package play

import (
	"net/http"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/fakecluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// newObjectLiar returns a liar that has a remote pod for each pod, with all that the pod says, and
// the status of a pod that runs. No node runs anything.
func newObjectLiar(t *testing.T, client kubernetes.Interface) *liar {
	t.Helper()
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "remote"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pods := client.CoreV1().Pods("remote")
	return &liar{before: func(_ http.ResponseWriter, path string, created []corev1.Pod) bool {
		switch path {
		case "/delete":
			_ = pods.Delete(t.Context(), string(created[0].UID), metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}) // it may be gone
			return false
		case "/status", "/getLogs":
			return false
		}
		remote := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: string(created[0].UID), Labels: map[string]string{"uid": string(created[0].UID), "interlink.io": "offloading"}},
			Spec:       *created[0].Spec.DeepCopy(),
		}
		remote, err := pods.Create(t.Context(), remote, metav1.CreateOptions{})
		if err != nil {
			if !apierrors.IsAlreadyExists(err) {
				t.Error(err)
			}
			return false
		}
		remote.Status.Phase = corev1.PodRunning
		for _, c := range remote.Spec.Containers {
			state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
			remote.Status.ContainerStatuses = append(remote.Status.ContainerStatuses, corev1.ContainerStatus{Name: c.Name, State: state, Ready: true, Started: ptr.To(true)})
		}
		if _, err = pods.UpdateStatus(t.Context(), remote, metav1.UpdateOptions{}); err != nil {
			t.Error(err)
		}
		return false
	}}
}

// An object of the remote cluster shows what the plugin asked for, not that a container ran or
// what is in it.
func TestLiarWithObjects(t *testing.T) {
	client := fakecluster.New(fakecluster.Options{}).Client()
	result, err := Run(t.Context(), scenarios(t), Options{
		Plugin: serveOutside(t, newObjectLiar(t, client)), Client: client, virtual: true, Parallel: 8, Profile: allDeclared(),
		Levels: []scenario.Level{scenario.LevelCore, scenario.LevelOptional, scenario.LevelKubernetes},
	})
	if err != nil {
		t.Fatal(err)
	}
	counts, passed := map[report.Verdict]int{}, []string(nil)
	for _, s := range result.Scenarios {
		counts[s.Verdict]++
		if s.Verdict == report.Passed {
			passed = append(passed, s.Name)
		}
	}
	t.Log(counts)
	if !slices.Equal(passed, nil) {
		t.Errorf("it passes %q", passed)
	}
}
