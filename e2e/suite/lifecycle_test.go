//go:build e2e

package suite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// log reads the whole of a container's log.
func (l *local) log(name string, options wire.LogOpts) string {
	l.Helper()
	stream, err := l.Logs(stage.ctx, name, "main", options)
	if err != nil {
		l.Fatal(err)
	}
	text, err := io.ReadAll(stream)
	if err := errors.Join(err, stream.Close()); err != nil {
		l.Fatal(err)
	}
	return string(text)
}

// remotePods are the remote pods of a local one.
func (l *local) remotePods(name string) []corev1.Pod {
	l.Helper()
	list, err := stage.remote.client.CoreV1().Pods("").List(stage.ctx, metav1.ListOptions{
		LabelSelector: "interlink.io/source.pod_uid=" + string(l.Pod(name).UID),
	})
	if err != nil {
		l.Fatal(err)
	}
	return list.Items
}

// remotePod is the only one.
func (l *local) remotePod(name string) corev1.Pod {
	l.Helper()
	pods := l.remotePods(name)
	if len(pods) != 1 {
		l.Fatalf("%d remote pods of %s", len(pods), name)
	}
	return pods[0]
}

// testLogsAreFollowed reads lines while the container that writes them runs.
func testLogsAreFollowed(t *testing.T) {
	l := newLocal(t, startPlugin(t, stage.all).address)
	// It writes the second line when it is told that the first was read.
	name := l.create(shell("follow", `
trap 'echo second; exit 3' TERM
echo first
while :; do sleep 0.2; done`, func(pod *corev1.Pod) { pod.Spec.TerminationGracePeriodSeconds = new(int64(30)) }))
	l.phase(name, corev1.PodRunning)
	stream, err := l.Logs(stage.ctx, name, "main", wire.LogOpts{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close() //nolint:errcheck // read to its end
	lines := bufio.NewReader(stream)
	if line, err := lines.ReadString('\n'); line != "first\n" || err != nil {
		t.Fatalf("the first line is %q, %v", line, err)
	}
	pod := l.remotePod(name)
	if state := pod.Status.ContainerStatuses[0].State; state.Running == nil {
		t.Fatalf("the first line came when the container no longer ran: %+v", state)
	}
	if err := stage.remote.client.CoreV1().Pods(pod.Namespace).Delete(stage.ctx, pod.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(lines); string(rest) != "second\n" || err != nil {
		t.Errorf("the rest is %q, %v", rest, err)
	}
}

// testClaimKeepsData writes to a claim with one pod and reads with the next.
func testClaimKeepsData(t *testing.T) {
	l := newLocal(t, startPlugin(t, stage.all, "OFFLOADING_NAMESPACE_PREFIX=offloading-data").address)
	withClaim := func(pod *corev1.Pod) {
		pod.Annotations = map[string]string{
			"interlink.io/remote-pvc":         "results",
			"interlink.io/remote-pvc.results": `{"storage":"10Mi","accessModes":["ReadWriteOnce"]}`,
		}
		pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "results"},
		}}}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	}
	claims := stage.remote.client.CoreV1().PersistentVolumeClaims("offloading-data-default")
	t.Cleanup(func() {
		if err := claims.Delete(context.WithoutCancel(stage.ctx), "results", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	uids := map[types.UID]bool{}
	for i, step := range []struct{ script, want string }{
		{"echo 'kept through the night' > /data/file; cat /data/file", "kept through the night\n"},
		{"cat /data/file", "kept through the night\n"},
	} {
		name := l.create(shell(fmt.Sprintf("user-%d", i), step.script, withClaim))
		l.phase(name, corev1.PodSucceeded)
		if got := l.log(name, wire.LogOpts{}); got != step.want {
			t.Errorf("pod %s read %q", name, got)
		}
		claim, err := claims.Get(stage.ctx, "results", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		uids[claim.UID] = true
		l.remove(name)
		eventually(t, "the remote pod is gone", func(ctx context.Context) error {
			list, err := stage.remote.client.CoreV1().Pods(claim.Namespace).List(ctx, metav1.ListOptions{})
			if err == nil && len(list.Items) > 0 {
				err = errors.New("it is there")
			}
			return err
		})
	}
	if len(uids) != 1 {
		t.Errorf("%d different claims", len(uids))
	}
}

// testProjectedFiles looks at the files of a projected volume from within, as a
// user that is not root.
func testProjectedFiles(t *testing.T) {
	l := newLocal(t, startPlugin(t, stage.all).address)
	name := l.create(shell("projected", `
cd /all
stat -L -c '%n %a %u:%g' token labels deep/name
test "$(tr -cd . < token)" = .. && echo "the token has three parts"
cat labels deep/name`, func(pod *corev1.Pod) {
		pod.Labels = map[string]string{"app": "projecting"}
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1000)), RunAsGroup: new(int64(1000)), FSGroup: new(int64(2000))}
		pod.Spec.Volumes = []corev1.Volume{{Name: "all", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			DefaultMode: new(int32(0o440)),
			Sources: []corev1.VolumeProjection{
				{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", Audience: "vault", ExpirationSeconds: new(int64(3600))}},
				{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
					{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}, Mode: new(int32(0o444))},
					{Path: "deep/name", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}},
				}}},
			},
		}}}}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "all", MountPath: "/all"}}
	}))
	l.phase(name, corev1.PodSucceeded)
	got := strings.Split(strings.TrimSpace(l.log(name, wire.LogOpts{})), "\n")
	want := []string{"token 440 0:2000", "labels 444 0:2000", "deep/name 440 0:2000", "the token has three parts", `app="projecting"`, "projected"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nnot\n%q", got, want)
	}
}

// testPluginIsKilled kills the plugin with running pods: they go on, and the next
// process serves them as if nothing had been.
func testPluginIsKilled(t *testing.T) {
	plugin := startPlugin(t, stage.all)
	l := newLocal(t, plugin.address)
	name := l.create(shell("survivor", "echo here; sleep 3600"))
	l.phase(name, corev1.PodRunning)
	before := l.remotePod(name)
	plugin.process.Kill()
	plugin.start(t)
	if got := l.log(name, wire.LogOpts{}); got != "here\n" {
		t.Errorf("its log is %q", got)
	}
	if err := l.CreateAgain(stage.ctx, name); err != nil {
		t.Errorf("a create again: %v", err)
	}
	if after := l.remotePod(name); after.UID != before.UID || after.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("remote pod %s became %s", before.UID, after.UID)
	}
	if err := l.Poll(stage.ctx); err != nil {
		t.Errorf("its status: %v", err)
	}
	if status := l.Status(name); status.Phase != corev1.PodRunning {
		t.Errorf("it is %s: %s", status.Phase, status.Message)
	}
}
