package judge

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/inspect"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// Observation is what was observed while one scenario was played.
type Observation struct {
	// Pods has an entry for each pod of the scenario, under the name that the
	// scenario uses for it.
	Pods map[string]*Pod
	// Created is what the remote cluster held once all pods were created, and Left
	// what it held after all pods were deleted; both are nil if the remote cluster is
	// not observed.
	Created, Left *inspect.Snapshot
	// RemotePods are the remote pods of Created, under the names of Pods. A pod
	// without a remote pod has no entry.
	RemotePods map[string]*corev1.Pod
	// Probed says that the containers write about themselves. Then only that shows what they do
	// and find: an object of the remote cluster shows no more than what the plugin asked for.
	Probed bool
	// Jobs is what the command of the plugin's profile listed; nil if there is none.
	Jobs *Jobs
	// VirtualNode has, for the remote cluster of the scenario and then for each change of it, what
	// the virtual node shows: quantities by resource, of the expected ones that it has.
	VirtualNode []map[string]string
	// Violations are events that must not happen in any scenario, such as a panic
	// of the virtual kubelet.
	Violations []Difference
	// Unfinished is why the scenario was not played to its end; nil if it was.
	Unfinished *Difference
}

// Jobs is what a command listed that lists the jobs of a plugin.
type Jobs struct {
	// Most is the largest number of jobs that existed at one time while the pods existed,
	// beyond those that existed before.
	Most int
	// ByPod is the largest number of jobs that one pod had at one time, by pod; nil if the
	// lines do not tell which pod a job is for.
	ByPod map[string]int
	// Left are the lines of the jobs that existed after the pods were deleted, and not before
	// the scenario.
	Left []string
	// Why is why the jobs are unknown; empty if they are known.
	Why string
}

// Probe is what a container has written about itself into its log, in lines that only it
// could write.
type Probe struct {
	// Runs is how often the container has begun, by all of its logs that were read; 0 if it
	// was not seen to run.
	Runs int
	// Env and Files are its variables and the contents of its files, of those that the
	// scenario names. One that the container does not have has no entry.
	Env, Files map[string]string
	// Claims are the paths at which it mounts a claim that is not read-only, and whether it
	// could read there what it wrote.
	Claims map[string]bool
	// Why is why the container was not seen to run; empty if it was.
	Why string
	// NoContents is why Env and Files are unknown although it ran; empty if they are known.
	NoContents string
}

// NewObservation returns an observation in which nothing has happened yet.
func NewObservation(file *scenario.File) *Observation {
	o := &Observation{Pods: map[string]*Pod{}, RemotePods: map[string]*corev1.Pod{}}
	for i := range file.Pods {
		o.Pods[file.Key(file.Pods[i].Namespace, file.Pods[i].Name)] = &Pod{}
	}
	return o
}

// Pod is what was observed of one local pod.
type Pod struct {
	// Refusal is the plugin's answer that made the pod fail; nil if its create
	// succeeded.
	Refusal *Refusal
	// NotSent is why the virtual kubelet did not send the create; nil if it did.
	NotSent error
	// Phases that the local cluster showed, each change once.
	Phases []corev1.PodPhase
	// RanBetweenPolls means that real nodes reported the pod as running at no poll of
	// its status, so that no plugin could have shown Running: a loaded node may report
	// only that a container has ended. Or the plugin's cache of states is older than that.
	RanBetweenPolls bool
	// Status that the local cluster showed last.
	Status corev1.PodStatus
	// Logs are the answers to the expected requests for logs, in their order.
	Logs []Log
	// Probes are what the containers have written about themselves, by container.
	Probes map[string]Probe
	// RunUnknown is why it is unknown whether a container of the pod began again while
	// something was sent twice; empty if it is known.
	RunUnknown string

	// previousRuns holds, by container, how its previous run ended.
	previousRuns map[string]*corev1.ContainerStateTerminated
}

// Refusal is an answer to a create that made the local pod fail.
type Refusal struct {
	// Status is the HTTP status of the answer, 0 if there was no answer.
	Status int
	// Text is a sentence with the status and the text of the answer.
	Text string
	// HasWords says that the answer has a text.
	HasWords bool
}

// Log is the answer to one request for a log.
type Log struct {
	Text string
	// Err is why there is no log, or why it is not complete.
	Err error
	// Why is why the log cannot be compared; empty if it can.
	Why string
}

// RememberPreviousRuns keeps from a status how the previous run of each running
// container ended. A real kubelet forgets it some time after the last run. The
// previous run of a waiting container is not kept, since it may be the last run.
func (p *Pod) RememberPreviousRuns(status corev1.PodStatus) {
	if p.previousRuns == nil {
		p.previousRuns = map[string]*corev1.ContainerStateTerminated{}
	}
	for _, c := range slices.Concat(status.InitContainerStatuses, status.ContainerStatuses) {
		if end := c.LastTerminationState.Terminated; end != nil && c.State.Running != nil {
			p.previousRuns[c.Name] = end
		}
	}
}
