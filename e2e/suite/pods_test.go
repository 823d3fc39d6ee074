//go:build e2e

package suite

import (
	"bufio"
	"context"
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

// testLogsAreFollowed reads log lines while the container that writes them runs.
func testLogsAreFollowed(t *testing.T) {
	l := newSimulatedCluster(t, startPlugin(t, testEnv.clusterWide).address)
	// The container writes the second line when the pod is deleted, which is after the test has read the first.
	name := l.create(shellPod("follow", `
trap 'echo second; exit 3' TERM
echo first
while :; do sleep 0.2; done`, func(pod *corev1.Pod) { pod.Spec.TerminationGracePeriodSeconds = new(int64(30)) }))
	l.waitForPhase(name, corev1.PodRunning)
	stream, err := l.Logs(testEnv.ctx, name, "main", wire.LogOpts{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close() //nolint:errcheck // the test reads it to its end
	lines := bufio.NewReader(stream)
	if line, err := lines.ReadString('\n'); line != "first\n" || err != nil {
		t.Fatalf("the first line is %q, %v", line, err)
	}
	pod := l.remotePod(name)
	if state := pod.Status.ContainerStatuses[0].State; state.Running == nil {
		t.Fatalf("the container does not run any more after the first line: %+v", state)
	}
	if err := testEnv.remote.client.CoreV1().Pods(pod.Namespace).Delete(testEnv.ctx, pod.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(lines); string(rest) != "second\n" || err != nil {
		t.Errorf("the rest of the log is %q, %v", rest, err)
	}
}

// testClaimKeepsData writes to a claim in one pod and reads the data in the next one.
func testClaimKeepsData(t *testing.T) {
	l := newSimulatedCluster(t, startPlugin(t, testEnv.clusterWide, "OFFLOADING_NAMESPACE_PREFIX=offloading-data").address)
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
	claims := testEnv.remote.client.CoreV1().PersistentVolumeClaims("offloading-data-default")
	t.Cleanup(func() {
		if err := claims.Delete(afterTest(), "results", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	uids := map[types.UID]bool{}
	for i, step := range []struct{ script, want string }{
		{"echo 'kept data' > /data/file; cat /data/file", "kept data\n"},
		{"cat /data/file", "kept data\n"},
	} {
		name := l.create(shellPod(fmt.Sprintf("user-%d", i), step.script, withClaim))
		l.waitForPhase(name, corev1.PodSucceeded)
		if got := l.readLog(name, wire.LogOpts{}); got != step.want {
			t.Errorf("the log of pod %s is %q, want %q", name, got, step.want)
		}
		claim, err := claims.Get(testEnv.ctx, "results", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		uids[claim.UID] = true
		l.remove(name)
		eventually(t, "the remote pod is deleted", func(ctx context.Context) error {
			list, err := testEnv.remote.client.CoreV1().Pods(claim.Namespace).List(ctx, metav1.ListOptions{})
			if err == nil && len(list.Items) > 0 {
				err = fmt.Errorf("pod %s exists", list.Items[0].Name)
			}
			return err
		})
	}
	if len(uids) != 1 {
		t.Errorf("the pods used %d different claims, want 1", len(uids))
	}
}

// testProjectedFiles reads the files of a projected volume in the container, as a
// user that is not root.
func testProjectedFiles(t *testing.T) {
	l := newSimulatedCluster(t, startPlugin(t, testEnv.clusterWide).address)
	name := l.create(shellPod("projected", `
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
	l.waitForPhase(name, corev1.PodSucceeded)
	got := strings.Split(strings.TrimSpace(l.readLog(name, wire.LogOpts{})), "\n")
	want := []string{"token 440 0:2000", "labels 444 0:2000", "deep/name 440 0:2000", "the token has three parts", `app="projecting"`, "projected"}
	if !slices.Equal(got, want) {
		t.Errorf("the log is\n%q\nwant\n%q", got, want)
	}
}

// testPluginIsKilled kills the plugin while a pod runs. The pod keeps running, and
// the next process serves it without a difference.
func testPluginIsKilled(t *testing.T) {
	plugin := startPlugin(t, testEnv.clusterWide)
	l := newSimulatedCluster(t, plugin.address)
	name := l.create(shellPod("survivor", "echo here; sleep 3600"))
	l.waitForPhase(name, corev1.PodRunning)
	before := l.remotePod(name)
	plugin.process.Kill()
	plugin.start(t)
	if got := l.readLog(name, wire.LogOpts{}); got != "here\n" {
		t.Errorf("the log is %q", got)
	}
	if err := l.CreateAgain(testEnv.ctx, name); err != nil {
		t.Errorf("a second create fails: %v", err)
	}
	if after := l.remotePod(name); after.UID != before.UID || after.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("the remote pod was replaced or restarted: its UID was %s and is %s", before.UID, after.UID)
	}
	if err := l.Poll(testEnv.ctx); err != nil {
		t.Errorf("poll the status: %v", err)
	}
	if status := l.Status(name); status.Phase != corev1.PodRunning {
		t.Errorf("the pod is %s: %s", status.Phase, status.Message)
	}
}
