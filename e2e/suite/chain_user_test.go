//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// chainUser is a user of the virtual node, with a namespace of the local cluster.
type chainUser struct {
	*namespace
	chain  *runningChain
	remote string // the namespace of the remote cluster that the plugin uses
}

// newUser creates a namespace for one test. It is deleted at the end of the test,
// and then nothing must be left in the remote cluster: so each test of the chain also
// tests the deletion.
func (c *runningChain) newUser(t *testing.T) *chainUser {
	t.Helper()
	created, err := c.local.client.CoreV1().Namespaces().Create(testEnv.ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "chain-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u := &chainUser{&namespace{t, c.local, created.Name}, c, "offloading-" + created.Name}
	t.Cleanup(func() {
		if u.Failed() {
			u.logState() // before it is deleted
			u.deleteNamespaces()
			return
		}
		defer func() {
			if u.Failed() {
				u.logState()
			}
		}()
		u.deleteNamespaces()
	})
	return u
}

// deleteNamespaces deletes the local namespace and waits until nothing of it is left
// in both clusters.
func (u *chainUser) deleteNamespaces() {
	namespaces := u.client.CoreV1().Namespaces()
	if err := namespaces.Delete(afterTest(), u.name, metav1.DeleteOptions{}); err != nil {
		u.Error(err)
	}
	eventually(u, "the local namespace is deleted", func(ctx context.Context) error {
		_, err := namespaces.Get(ctx, u.name, metav1.GetOptions{})
		return wantNotFound(err)
	})
	eventually(u, "nothing is left in the remote cluster", func(ctx context.Context) error {
		if objects := u.remoteObjects(ctx); len(objects) > 0 {
			return errors.New(strings.Join(objects, ", "))
		}
		return nil
	})
	// The plugin keeps namespaces. No other test uses this one.
	err := testEnv.remote.client.CoreV1().Namespaces().Delete(afterTest(), u.remote, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		u.Error(err)
	}
}

// wantNotFound returns nil if an object does not exist.
func wantNotFound(err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil:
		return errors.New("it exists")
	}
	return err
}

// logState logs what helps to understand a failure.
func (u *chainUser) logState() {
	for _, side := range []struct {
		name      string
		cluster   *cluster
		namespace string
	}{{"local", u.cluster, u.name}, {"remote", testEnv.remote.cluster, u.remote}} {
		out, err := side.cluster.run(afterTest(), "-n", side.namespace, "get", "pods,events", "-o", "wide")
		u.Logf("%s cluster: %v\n%s", side.name, err, out)
	}
	u.Log(u.chain.logs())
}

// remoteObjects lists the objects of the remote namespace, without those that
// Kubernetes itself creates in each namespace.
func (u *chainUser) remoteObjects(ctx context.Context) []string {
	core, options := testEnv.remote.client.CoreV1(), metav1.ListOptions{}
	pods, err1 := core.Pods(u.remote).List(ctx, options)
	configMaps, err2 := core.ConfigMaps(u.remote).List(ctx, options)
	secrets, err3 := core.Secrets(u.remote).List(ctx, options)
	if err := errors.Join(err1, err2, err3); err != nil {
		return []string{err.Error()}
	}
	var objects []string
	for _, pod := range pods.Items {
		objects = append(objects, "pod "+pod.Name)
	}
	for _, configMap := range configMaps.Items {
		if configMap.Name != "kube-root-ca.crt" {
			objects = append(objects, "configmap "+configMap.Name)
		}
	}
	for _, secret := range secrets.Items {
		objects = append(objects, "secret "+secret.Name)
	}
	return objects
}

// waitForNoRemotePods waits until the remote namespace has no pod.
func (u *chainUser) waitForNoRemotePods() {
	u.Helper()
	eventually(u, "no remote pod exists", func(context.Context) error {
		if pods := u.remotePods(); len(pods) > 0 {
			return fmt.Errorf("%d remote pods exist", len(pods))
		}
		return nil
	})
}

// execRemote runs a command in the remote pod of a local pod. A virtual node does not
// support exec; here it is how a test tells a container to continue.
func (u *chainUser) execRemote(pod string, command ...string) {
	u.Helper()
	args := append([]string{"-n", u.remote, "exec", u.remotePod(pod).Name, "--"}, command...)
	if _, err := testEnv.remote.run(testEnv.ctx, args...); err != nil {
		u.Fatal(err)
	}
}

// waitForPod waits until a local pod satisfies a condition, and returns the pod.
func (u *chainUser) waitForPod(name, what string, condition func(*corev1.Pod) bool) *corev1.Pod {
	u.Helper()
	var pod *corev1.Pod
	eventually(u, "pod "+name+" "+what, func(ctx context.Context) (err error) {
		if pod, err = u.client.CoreV1().Pods(u.name).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
		if !condition(pod) {
			return fmt.Errorf("it is %s with containers %+v", pod.Status.Phase, pod.Status.ContainerStatuses)
		}
		return nil
	})
	return pod
}

// waitForPhase waits until a local pod has a phase.
func (u *chainUser) waitForPhase(name string, phase corev1.PodPhase) *corev1.Pod {
	u.Helper()
	return u.waitForPod(name, "is "+string(phase), func(pod *corev1.Pod) bool { return pod.Status.Phase == phase })
}

// remotePods returns the remote pods by the UIDs of their local pods. A local pod must
// not have two.
func (u *chainUser) remotePods() map[types.UID]corev1.Pod {
	u.Helper()
	list, err := testEnv.remote.client.CoreV1().Pods(u.remote).List(testEnv.ctx, metav1.ListOptions{})
	if err != nil {
		u.Fatal(err)
	}
	pods := map[types.UID]corev1.Pod{}
	for _, pod := range list.Items {
		uid := types.UID(pod.Labels["interlink.io/source.pod_uid"])
		if other, found := pods[uid]; found || uid == "" {
			u.Errorf("the remote pods %s and %s have the same local pod %q", pod.Name, other.Name, uid)
		}
		pods[uid] = pod
	}
	return pods
}

// remotePod returns the remote pod of a local pod.
func (u *chainUser) remotePod(name string) corev1.Pod {
	u.Helper()
	remote, found := u.remotePods()[u.localUID(name)]
	if !found {
		u.Fatalf("pod %s has no remote pod", name)
	}
	return remote
}

func (u *chainUser) localUID(pod string) types.UID {
	u.Helper()
	return types.UID(u.kubectl("get", "pod", pod, "-o", "jsonpath={.metadata.uid}"))
}

// wantLines checks that a log has some lines.
func (u *chainUser) wantLines(log string, want ...string) {
	u.Helper()
	lines := strings.Split(log, "\n")
	for _, line := range want {
		if !slices.Contains(lines, line) {
			u.Errorf("the log has no line %q:\n%s", line, log)
		}
	}
}
