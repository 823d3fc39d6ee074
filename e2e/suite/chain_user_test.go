//go:build e2e

package suite

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A chainUser works in a namespace of the local cluster.
type chainUser struct {
	*testing.T
	stage     *chainStage
	namespace string
	remote    string // the namespace where the plugin puts what is of this one
}

// user makes a namespace for one test. It goes when the test ends, and then nothing may stand remotely:
// so each test of the chain is also one of cleaning up.
func (s *chainStage) user(t *testing.T) *chainUser {
	t.Helper()
	namespace, err := s.local.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "chain-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u := &chainUser{t, s, namespace.Name, "offloading-" + namespace.Name}
	t.Cleanup(u.leave)
	return u
}

// leave runs when the test's own context has ended.
func (u *chainUser) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*chainPatience)
	defer cancel()
	if u.Failed() {
		u.explain(ctx) // before all is gone
		u.cleanUp(ctx)
		return
	}
	if u.cleanUp(ctx); u.Failed() {
		u.explain(ctx)
	}
}

// cleanUp deletes the namespace and waits until nothing is left of it, here and remotely.
func (u *chainUser) cleanUp(ctx context.Context) {
	if err := u.stage.local.CoreV1().Namespaces().Delete(ctx, u.namespace, metav1.DeleteOptions{}); err != nil {
		u.Error(err)
	}
	u.waitWith(ctx, "the local namespace is gone", func(ctx context.Context) (bool, string) {
		_, err := u.stage.local.CoreV1().Namespaces().Get(ctx, u.namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err), fmt.Sprint(err)
	})
	u.waitWith(ctx, "nothing stands remotely", func(ctx context.Context) (bool, string) {
		left := u.left(ctx)
		return len(left) == 0, strings.Join(left, ", ")
	})
	// The plugin keeps namespaces; this one is of no more use.
	if err := u.stage.remote.CoreV1().Namespaces().Delete(ctx, u.remote, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		u.Error(err)
	}
}

// explain logs what a person needs to understand a failure.
func (u *chainUser) explain(ctx context.Context) {
	for _, side := range []struct{ name, config, namespace string }{
		{"locally", u.stage.localConfig, u.namespace}, {"remotely", u.stage.remoteConfig, u.remote},
	} {
		u.Logf("%s:\n%s", side.name, u.run(ctx, side.config, side.namespace, "get", "pods,events", "-o", "wide"))
	}
	u.Log(u.stage.logs())
}

// left names what stands in the remote namespace, but for what Kubernetes itself puts into each.
func (u *chainUser) left(ctx context.Context) []string {
	core, all := u.stage.remote.CoreV1(), metav1.ListOptions{}
	var left []string
	pods, err := core.Pods(u.remote).List(ctx, all)
	if err != nil {
		return []string{err.Error()}
	}
	for _, pod := range pods.Items {
		left = append(left, "pod "+pod.Name)
	}
	configMaps, err := core.ConfigMaps(u.remote).List(ctx, all)
	if err != nil {
		return []string{err.Error()}
	}
	for _, configMap := range configMaps.Items {
		if configMap.Name != "kube-root-ca.crt" {
			left = append(left, "configmap "+configMap.Name)
		}
	}
	secrets, err := core.Secrets(u.remote).List(ctx, all)
	if err != nil {
		return []string{err.Error()}
	}
	for _, secret := range secrets.Items {
		left = append(left, "secret "+secret.Name)
	}
	return left
}

// run returns what kubectl said, also of an error.
func (u *chainUser) run(ctx context.Context, kubeconfig, namespace string, args ...string) string {
	out, err := u.command(ctx, kubeconfig, namespace, args...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s%v", out, err)
	}
	return string(out)
}

func (u *chainUser) command(ctx context.Context, kubeconfig, namespace string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, u.stage.kubectl, append([]string{"--kubeconfig", kubeconfig, "--namespace", namespace}, args...)...)
}

// kubectl runs a command on the local cluster that must succeed, and returns its standard output.
func (u *chainUser) kubectl(args ...string) string {
	u.Helper()
	return u.must(u.command(u.deadline(), u.stage.localConfig, u.namespace, args...))
}

// exec runs a command in the remote pod of a local one. A virtual node has no exec of its own; here it is
// how a test tells a container to go on.
func (u *chainUser) exec(pod string, command ...string) {
	u.Helper()
	name := u.remotePod(pod).Name
	u.must(u.command(u.deadline(), u.stage.remoteConfig, u.remote, append([]string{"exec", name, "--"}, command...)...))
}

// apply applies a manifest as text.
func (u *chainUser) apply(manifest string) {
	u.Helper()
	command := u.command(u.deadline(), u.stage.localConfig, u.namespace, "apply", "-f", "-")
	command.Stdin = strings.NewReader(manifest)
	u.must(command)
}

func (u *chainUser) must(command *exec.Cmd) string {
	u.Helper()
	out, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		u.Fatalf("kubectl %s: %v\n%s", strings.Join(command.Args[5:], " "), err, out)
	}
	return string(out)
}

func (u *chainUser) deadline() context.Context {
	ctx, cancel := context.WithTimeout(u.Context(), chainPatience)
	u.Cleanup(cancel)
	return ctx
}

// wait polls until something has happened; the text says what is there instead.
func (u *chainUser) wait(what string, happened func(context.Context) (bool, string)) {
	u.Helper()
	if !u.waitWith(u.Context(), what, happened) {
		u.FailNow()
	}
}

func (u *chainUser) waitWith(ctx context.Context, what string, happened func(context.Context) (bool, string)) bool {
	u.Helper()
	ctx, cancel := context.WithTimeout(ctx, chainPatience)
	defer cancel()
	for {
		done, instead := happened(ctx)
		if done {
			return true
		}
		select {
		case <-ctx.Done():
			u.Errorf("waiting until %s: %v; instead: %s", what, ctx.Err(), instead)
			return false
		case <-time.After(chainPoll):
		}
	}
}

// pod waits until a local pod is as it should be, and returns it.
func (u *chainUser) pod(name, what string, is func(*corev1.Pod) bool) *corev1.Pod {
	u.Helper()
	var pod *corev1.Pod
	u.wait("pod "+name+" "+what, func(ctx context.Context) (bool, string) {
		var err error
		if pod, err = u.stage.local.CoreV1().Pods(u.namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return false, err.Error()
		}
		return is(pod), fmt.Sprintf("%s, %+v", pod.Status.Phase, pod.Status.ContainerStatuses)
	})
	return pod
}

// phase waits for a phase of a local pod.
func (u *chainUser) phase(name string, phase corev1.PodPhase) *corev1.Pod {
	u.Helper()
	return u.pod(name, "is "+string(phase), func(pod *corev1.Pod) bool { return pod.Status.Phase == phase })
}

// remotePods maps the UIDs of local pods to the remote pods that stand for them, which must be one for each.
func (u *chainUser) remotePods() map[types.UID]corev1.Pod {
	u.Helper()
	list, err := u.stage.remote.CoreV1().Pods(u.remote).List(u.deadline(), metav1.ListOptions{})
	if err != nil {
		u.Fatal(err)
	}
	pods := map[types.UID]corev1.Pod{}
	for _, pod := range list.Items {
		uid := types.UID(pod.Labels["interlink.io/source.pod_uid"])
		if twice, found := pods[uid]; found || uid == "" {
			u.Errorf("pod %s stands beside %s for the same local pod %q", pod.Name, twice.Name, uid)
		}
		pods[uid] = pod
	}
	return pods
}

func (u *chainUser) remotePod(name string) corev1.Pod {
	u.Helper()
	pod, err := u.stage.local.CoreV1().Pods(u.namespace).Get(u.deadline(), name, metav1.GetOptions{})
	if err != nil {
		u.Fatal(err)
	}
	remote, found := u.remotePods()[pod.UID]
	if !found {
		u.Fatalf("pod %s has no remote pod", name)
	}
	return remote
}

// wantLines checks that a log holds some lines.
func (u *chainUser) wantLines(log string, want ...string) {
	u.Helper()
	lines := strings.Split(log, "\n")
	for _, line := range want {
		if !slices.Contains(lines, line) {
			u.Errorf("the line %q is missing in the log:\n%s", line, log)
		}
	}
}
