package node

import (
	"errors"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// store holds Secrets for a pod without an API server.
type store struct {
	secrets []corev1.Secret
	err     error
	reads   int
}

func (s *store) take(sources inspect.Sources) (*inspect.Snapshot, error) {
	s.reads++
	snapshot := &inspect.Snapshot{}
	for _, secret := range s.secrets {
		if slices.Contains(sources.Secrets, secret.Name) {
			snapshot.Secrets = append(snapshot.Secrets, secret)
		}
	}
	return snapshot, s.err
}

func (s *store) add(name string) {
	s.secrets = append(s.secrets, corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string][]byte{"key": []byte("value")}})
}

// podWithSecret returns a pod whose last container mounts the Secret "files".
func podWithSecret(optional bool, names ...string) *corev1.Pod {
	pod := newPod(corev1.RestartPolicyNever, names...)
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "files", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "files", Optional: &optional}}},
		{Name: "unused", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "unused"}}},
	}
	last := &pod.Spec.Containers[len(pod.Spec.Containers)-1]
	last.VolumeMounts = []corev1.VolumeMount{{Name: "files", MountPath: "/files"}}
	return pod
}

// No container starts before all mounted volumes have their source, whichever container
// mounts them. The pauses between two attempts become longer.
func TestPodWaitsForMountedSecret(t *testing.T) {
	var sources store
	p := newPodState(podWithSecret(false, "init", "main"), scenario.Pod{}, startOfTest)
	p.take = sources.take
	expectAt(t, p, 30, "Pending init=PodInitializing main=PodInitializing")
	if sources.reads != 5 { // after 1, 2, 4, 8 and 16 s
		t.Errorf("the kubelet tried %d times in 30 s, want 5", sources.reads)
	}
	sources.add("files")
	expectAt(t, p, 31, "Pending init=PodInitializing main=PodInitializing")
	expectAt(t, p, 32, "Pending init=running main=PodInitializing")
	sources.secrets = nil // a mounted volume stays
	expectAt(t, p, 60, "Succeeded init=Completed:0 main=Completed:0")
}

func TestPodWaitsWhileSourcesCannotBeRead(t *testing.T) {
	sources := store{err: errors.New("unavailable")}
	sources.add("files")
	p := newPodState(podWithSecret(false, "main"), scenario.Pod{}, startOfTest)
	p.take = sources.take
	expectAt(t, p, 1, "Pending main=ContainerCreating")
	sources.err = nil
	expectAt(t, p, 2, "Running main=running ready")
}

func TestOptionalVolumeIsNotWaitedFor(t *testing.T) {
	var sources store
	p := newPodState(podWithSecret(true, "main"), scenario.Pod{}, startOfTest)
	p.take = sources.take
	expectAt(t, p, 1, "Running main=running ready")
}

// withVariable adds a variable from the Secret "values" to the last container.
func withVariable(pod *corev1.Pod, key string) *corev1.Pod {
	c := &pod.Spec.Containers[len(pod.Spec.Containers)-1]
	c.Env = []corev1.EnvVar{{Name: "VALUE", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: "values"}, Key: key,
	}}}}
	return pod
}

// Only the container whose variable lacks its Secret waits.
func TestContainerWaitsForVariable(t *testing.T) {
	for key, want := range map[string]string{"key": `secret "values" not found`, "other": `couldn't find key other in Secret /values`} {
		var sources store
		if key == "other" {
			sources.add("values")
		}
		p := newPodState(withVariable(newPod(corev1.RestartPolicyNever, "free", "main"), key), scenario.Pod{}, startOfTest)
		p.take = sources.take
		expectAt(t, p, 1, "Pending free=running main=CreateContainerConfigError")
		status, _, _ := p.advance(startOfTest)
		if got := status.ContainerStatuses[1].State.Waiting.Message; got != want {
			t.Errorf("the message is %q, want %q", got, want)
		}
		sources.secrets = []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "values"}, Data: map[string][]byte{key: nil}}}
		expectAt(t, p, 10, "Pending free=Completed:0 main=CreateContainerConfigError")
		expectAt(t, p, 11, "Running free=Completed:0 main=running")
		expectAt(t, p, 12, "Succeeded free=Completed:0 main=Completed:0")
	}
}

// A Secret that is deleted between two runs stops the second one.
func TestRestartedContainerWaitsForVariable(t *testing.T) {
	var sources store
	sources.add("values")
	pod := withVariable(newPod(corev1.RestartPolicyOnFailure, "main"), "key")
	p := newPodState(pod, scenario.Pod{Containers: map[string]scenario.Container{"main": {ExitCodes: []int32{7, 0}}}}, startOfTest)
	p.take = sources.take
	expectAt(t, p, 2, "Running main=Error:7")
	sources.secrets = nil
	expectAt(t, p, 3, "Running main=CreateContainerConfigError(7)")
	sources.add("values")
	expectAt(t, p, 13, "Running main=running*1(7) ready")
	expectAt(t, p, 14, "Succeeded main=Completed:0*1(7)")
}

func TestPodThatWaitsForVariableIsDeleted(t *testing.T) {
	var sources store
	p := newPodState(withVariable(newPod(corev1.RestartPolicyNever, "main"), "key"), scenario.Pod{}, startOfTest)
	p.take = sources.take
	expectAt(t, p, 1, "Pending main=CreateContainerConfigError")
	p.terminate(secondsAfterStart(2), 0)
	if _, effects, due := p.advance(secondsAfterStart(2)); !effects.forceDelete || !due.IsZero() {
		t.Errorf("the effects are %+v, the next transition is at %v", effects, due)
	}
}

// A scheduling gate keeps a pod without a node until it is removed, and the time to
// find a node counts from then on.
func TestGatedPodIsNotScheduled(t *testing.T) {
	pod := newPod(corev1.RestartPolicyNever, "main")
	pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "one"}, {Name: "two"}}
	p := newPodState(pod, scenario.Pod{Unschedulable: "no node", Schedule: *seconds(5)}, startOfTest)
	expectAt(t, p, 60, "Pending")
	changed := pod.DeepCopy()
	changed.Spec.SchedulingGates = changed.Spec.SchedulingGates[1:]
	p.update(secondsAfterStart(60), changed)
	expectAt(t, p, 70, "Pending")
	changed.Spec.SchedulingGates = nil
	if !p.update(secondsAfterStart(70), changed) {
		t.Error("update returns false for the last gate")
	}
	expectAt(t, p, 74, "Pending no node")
	expectAt(t, p, 76, "Running main=running ready")
}
