//go:build e2e

package suite

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// testPluginIsKilledDuringCreates kills the plugin while remote pods are half made: they
// exist, their Secrets do not. The next process completes some of them and deletes the
// others. A pod that runs is not touched.
func testPluginIsKilledDuringCreates(t *testing.T) {
	holder := newSecretHolder(t, testEnv.clusterWide)
	plugin := startPlugin(t, holder.account, "MESH_ENABLED=true", "MESH_SCRIPTS=any", "MESH_IMAGE=busybox:1.37", "MESH_INSTALL=")
	before := newLateCluster(t, plugin)
	running := before.create(shellPod("running", "sleep 3600"))
	before.waitForPhase(running, corev1.PodRunning)
	wasRunning, wasJobID := before.remotePod(running), before.Pod(running).Annotations[wire.AnnotationJobID]

	completed := before.killDuringCreates(plugin, holder, "completed-")
	abandoned := before.killDuringCreates(plugin, holder, "abandoned-")

	// The virtual kubelet has restarted too, and creates its pods again.
	after := newLateCluster(t, plugin)
	again := func(pod *corev1.Pod) {
		pod.UID = before.Pod(pod.Name).UID
		after.create(pod)
	}
	again(shellPod("running", "sleep 3600"))
	if jobID := after.Pod(running).Annotations[wire.AnnotationJobID]; jobID != wasJobID {
		t.Errorf("the job ID of the running pod was %s and is %s", wasJobID, jobID)
	}
	for _, p := range latePods {
		again(p.localPod("completed-"))
	}
	for _, p := range latePods {
		name := "completed-" + p.name
		remote := after.remotePod(name)
		if half := completed[name]; remote.UID != half {
			t.Errorf("the remote pod of %s was %s and is %s", name, half, remote.UID)
		}
		if jobID := after.Pod(name).Annotations[wire.AnnotationJobID]; jobID != remote.Name {
			t.Errorf("the job ID of pod %s is %q, want the name of its remote pod: %s", name, jobID, remote.Name)
		}
		after.waitForResult(p, name)
	}
	for name := range abandoned {
		before.remove(name)
		before.waitForNothingLeft(name)
	}
	for name := range completed {
		after.remove(name)
		after.waitForNothingLeft(name)
	}
	if err := wantSameContainers(wasRunning, after.remotePod(running)); err != nil {
		t.Error(err)
	}
}

// killDuringCreates creates all late pods, kills the plugin when their remote pods exist
// without their Secrets, and starts the next one. It returns the UIDs of the remote pods
// by the names of the local ones.
func (l *simulatedCluster) killDuringCreates(plugin *pluginProcess, holder *secretHolder, prefix string) map[string]types.UID {
	l.Helper()
	holder.hold()
	answers := map[string]<-chan error{}
	for _, p := range latePods {
		answers[p.name] = l.startCreate(p.localPod(prefix))
	}
	for _, p := range latePods {
		l.waitUntilHeld(prefix+p.name, p.gated)
	}
	plugin.process.Kill()
	for name, answer := range answers {
		if err := <-answer; err == nil {
			l.Errorf("the create of pod %s was answered by a plugin that was killed", prefix+name)
		}
	}
	holder.pass()
	half := map[string]types.UID{}
	for _, p := range latePods {
		name := prefix + p.name
		half[name] = l.remotePod(name).UID
		if secrets := l.remoteSecrets(name); len(secrets) > 0 {
			l.Errorf("pod %s has Secret %s, which was to be held", name, secrets[0].Name)
		}
	}
	plugin.start(l.T)
	return half
}

// wantSameContainers returns an error if a pod was replaced or a container of it was
// restarted.
func wantSameContainers(before, after corev1.Pod) error {
	describe := func(pod corev1.Pod) string {
		text := fmt.Sprintf("%s (%s)", pod.Name, pod.UID)
		for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			text += fmt.Sprintf(", container %s in run %d", c.ContainerID, c.RestartCount+1)
		}
		return text
	}
	if was, is := describe(before), describe(after); was != is || !strings.Contains(was, "://") {
		return fmt.Errorf("the remote pod was %s and is %s", was, is)
	}
	return nil
}
