package play

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

var statusMutants = []mutant{
	{"reports no containers", "plain-pod", "STATUS-12", "is Succeeded at once", status(noContainers)},
	{"reports no containers of a deleted remote pod", "remote-pod-deleted", "STATUS-12", "no container has ended", status(noContainersOnceTerminated)},
	{"leaves out a container", "two-containers-one-fails", "STATUS-13", "is Succeeded too early", status(func(s *wire.PodStatus) { s.Containers = s.Containers[1:] })},
	{"leaves out a container of a pod that fails", "two-containers-one-fails", "STATUS-14", "leaves out", status(func(s *wire.PodStatus) { s.Containers = s.Containers[:1] })},
	{"reports a failed init container as Kubernetes does", "init-fails", "STATUS-17", "stays Pending for ever", status(mainContainersWait)},
	{"leaves out init containers", "init-containers-in-order", "STATUS-30", "init container", status(func(s *wire.PodStatus) { s.InitContainers = nil })},
	{"reports its own container first", "plain-pod", "STATUS-15", "panic", status(meshContainerFirst)},
	{"reports exit code 0 for every code", "exit-code", "STATUS-18", "exit code", statusOfTerminated(func(c *corev1.ContainerStatus) { c.State.Terminated.ExitCode = 0 })},
	{"reports no message of an eviction", "eviction", "STATUS-25", "message", statusOfTerminated(func(c *corev1.ContainerStatus) { c.State.Terminated.Message = "" })},
	{"reports the usual exit code of a disrupted pod", "disrupted-evicted", "STATUS-18", "exit code", statusOfTerminated(func(c *corev1.ContainerStatus) { c.State.Terminated.ExitCode = 137 })},
	{"reports each eviction as a disruption", "disrupted-own-limit", "STATUS-18", "exit code", statusOfTerminated(func(c *corev1.ContainerStatus) { c.State.Terminated.ExitCode = 250 })},
	{"reports the usual exit code of a pod that is gone", "disrupted-deleted", "STATUS-18", "exit code", statusOfTerminated(func(c *corev1.ContainerStatus) { c.State.Terminated.ExitCode = 137 })},
	{"forgets the end of a pod that is gone", "deleted-after-success", "STATUS-18", "exit code", statusOfTerminated(func(c *corev1.ContainerStatus) { c.State.Terminated.ExitCode = 137 })},
	{"does not name the sidecar that cannot start", "sidecar-cannot-start", "STATUS-22", "message", statusOfWaiting(func(c *corev1.ContainerStatus) { c.State.Waiting.Message = "" })},
	{"reports no restart count", "restart-on-failure", "STATUS-25", "restart count", statusOfContainers(func(c *corev1.ContainerStatus) { c.RestartCount = 0 })},
	{"reports no previous run", "restart-on-failure", "STATUS-31", "previous run", statusOfContainers(func(c *corev1.ContainerStatus) { c.LastTerminationState = corev1.ContainerState{} })},
	{"reports terminated before a restart", "restart-always", "STATUS-21", "for good", statusOfContainers(currentStateIsLast)},
	{"reports waiting as running", "image-pull-error", "STATUS-37", "phases", statusOfWaiting(setRunning)},
	{"reports no reason of waiting", "image-pull-error", "STATUS-22", "reason", statusOfWaiting(func(c *corev1.ContainerStatus) { c.State.Waiting = &corev1.ContainerStateWaiting{} })},
	{"reports no name", "plain-pod", "STATUS-6", "does not change", status(func(s *wire.PodStatus) { s.Name = "" })},
	{"reports another UID", "plain-pod", "STATUS-11", "does not have this pod", status(func(s *wire.PodStatus) { s.UID = "u" })},
	{"answers one object", "plain-pod", "STATUS-6", "does not change", on("/status", fixed(200, `{}`))},
	{"answers an empty list", "plain-pod", "STATUS-11", "does not have this pod", on("/status", fixed(200, `[]`))},
	{"answers an error", "plain-pod", "STATUS-10", "500", on("/status", fixed(500, "oops"))},
}

var createMutants = []mutant{
	{"answers 201", "plain-pod", "CREATE-4", "201", on("/create", withCode(201))},
	{"answers a list", "plain-pod", "CREATE-3", "a list, not one object", on("/create", answerAsList)},
	{"answers another UID", "plain-pod", "CREATE-10", "PodUID", on("/create", answerOtherUID)},
	{"refuses a second create", "create-twice", "CREATE-8", "409", on("/create", refuseRepeated(func(pod podName) string { return pod.UID }))},
	{"replaces the remote pod at a second create", "create-twice", "CREATE-8", "was replaced", after("/create", replaceRemotePodOfRepeatedCreate)},
	{"answers a second create with another job ID", "create-twice", "CREATE-8", "has the PodJID", on("/create", answerOtherJobID)},
	{"creates two remote pods", "plain-pod", "CREATE-8", "2 Pods", after("/create", createSecondRemotePod)},
	{"cuts names at 63 characters", "name-long-shared-prefix", "CREATE-4", "409", on("/create", refuseRepeated(func(pod podName) string { return pod.Name[:min(63, len(pod.Name))] }))},
	{"accepts what it must refuse", "volume-hostpath-refused", "CREATE-6", "not refused", on("/create", acceptWithoutCreating)},
	{"tells only its first refusal", "refused-for-several-reasons", "CREATE-5", "spec.hostNetwork must not be true", on("/create", firstRefusalOnly)},
	{"accepts a claim that stays local", "claim-refused", "CREATE-6", "not refused", on("/create", acceptWithoutCreating)},
	{"drops a volume of an image", "volume-image", "CREATE-19", "volumes", createRequest(func(pod, _ object) { pod["spec"].(object)["volumes"] = []any{} })},
	{"accepts a folder that is not the pod's", "claim-by-rule-refused", "CREATE-6", "not refused", on("/create", acceptWithoutCreating)},
	{"accepts a volume of another server", "volume-nfs-csi-refused", "CREATE-6", "not refused", on("/create", acceptWithoutCreating)},
	{"creates no claim by a rule", "claim-by-rule", "CREATE-19", "volumes", createRequest(func(pod, _ object) { pod["spec"].(object)["volumes"] = []any{} })},
	{"does not see what a pod requests", "placement-by-rule", "CREATE-19", "nodeSelector", createContainers(func(c object) { delete(c, "resources") })},
	{"replaces dollar signs twice", "env-dollar-signs-unresolved", "ENV-20", "INLINED", createRequest(func(pod, _ object) { delete(pod["metadata"].(object), "managedFields") })},
	{"creates no Service of a subdomain", "names-of-workers", "NET-8", "0 Services", createRequest(func(pod, _ object) { delete(pod["spec"].(object), "subdomain") })},
	{"creates no Service of an annotation", "names-by-annotation", "NET-8", "0 Services", createRequest(func(pod, _ object) { delete(pod["metadata"].(object), "annotations") })},
	{"gives a program the address of no pod", "env-pod-address", "CREATE-19", "SPARK_EXECUTOR_POD_IP", createRequest(func(pod, _ object) {
		pod["metadata"].(object)["managedFields"] = []any{object{"manager": "other", "fieldsV1": object{}}} // without any, what the user wrote counts
	})},
	{"runs each pod of a Job as its first one", "env-completion-index", "ENV-20", "JOB_COMPLETION_INDEX", createContainers(func(c object) { c["env"] = []any{object{"name": "JOB_COMPLETION_INDEX", "value": "0"}} })},
	{"does not learn how the user wrote a pod", "env-original", "ENV-20", "TIER", statusRequest(func(c object) { delete(c, "env") })},
	{"adds no variables from resources", "env-resources-resolved", "ENV-20", "MEMORY", createRequest(func(pod, _ object) { delete(pod["metadata"].(object), "managedFields") })},
	{"warns of nothing", "warnings-placement", "STATUS-25", "warnings", createWithoutSpec("nodeSelector")},
	{"fails a pod that must wait for a quota", "quota-waits", "CREATE-4", "refused", on("/create", fixed(500, "exceeded quota"))},
	{"accepts a privileged pod", "policy-privileged-refused", "CREATE-6", "not refused", createContainers(func(c object) { delete(c, "securityContext") })},
	{"does not name each field", "policy-privileged-refused", "CREATE-5", "does not contain", createWithoutSpec("hostPID")},
	{"accepts a pod of a DaemonSet", "policy-daemonset", "CREATE-6", "not refused", createRequest(func(pod, _ object) { delete(pod["metadata"].(object), "ownerReferences") })},
	{"accepts a system namespace", "policy-system-namespaces", "CREATE-6", "not refused", createRequest(func(pod, _ object) { pod["metadata"].(object)["namespace"] = "default" })},
	{"sends tokens that must stay", "tokens-dropped", "VOL-12", "has a file", createRequest(tokenAsText)},
	{"creates a pod before the namespace template", "namespace-template", "CREATE-6", "not refused", on("/create", acceptWithoutCreating)},
	{"refuses without a text", "claim-missing", "CREATE-5", "does not contain", on("/create", fixed(500, ""))},
	{"loses a Secret", "volume-secret", "CREATE-18", "Secret", after("/create", deleteAllSecrets)},
	{"loses the contents of volumes", "volume-configmap", "CREATE-4", "ConfigMap", createRequest(func(_, request object) { request["container"] = []any{} })},
	{"loses variables", "env-resolved", "ENV-20", "variable", createWithoutContainerField("env")},
	{"loses init containers", "init-fails", "STATUS-30", "init container first of pod app is not shown", createWithoutSpec("initContainers")},
	{"loses security contexts", "probes-and-security", "CREATE-19", "securityContext", createWithoutContainerField("securityContext")},
	{"loses the restart policy", "restart-always", "STATUS-21", "is Failed for good", createRequest(func(pod, _ object) { pod["spec"].(object)["restartPolicy"] = "Never" })},
	{"loses a deadline", "deadline", "STATUS-32", "is running", createWithoutSpec("activeDeadlineSeconds")},
}

const (
	meshScript   = "slurm-job.vk.io/pre-exec"
	meshDisabled = "interlink.eu/mesh-network"

	tunnelCommands = "interlink.eu/wstunnel-client-commands"
)

var networkMutants = []mutant{
	{"reports the mesh as a container", "mesh-sidecar", "STATUS-30", "shows a container mesh-setup, which it does not have", status(meshContainerLast)},
	{"reports the mesh as an init container", "mesh-sidecar", "STATUS-30", "shows an init container mesh-setup", status(meshInitContainer)},
	{"runs a pod without its mesh", "mesh-sidecar", "CREATE-19", "mesh-setup", createWithoutAnnotation(meshScript)},
	{"runs a mesh that is disabled", "mesh-disabled", "CREATE-18", "Secret", createWithoutAnnotation(meshDisabled)},
	{"accepts a mesh that it cannot run", "mesh-script-incomplete", "CREATE-6", "not refused", createWithoutAnnotation(meshScript)},
	{"runs a pod without the mesh that the site does not have", "mesh-off", "CREATE-6", "not refused", createWithoutAnnotation(meshScript)},
	{"runs a pod whose script it does not know", "mesh-unknown-script", "CREATE-6", "not refused", createWithoutAnnotation(meshScript)},
	{"runs a pod whose mesh has a command", "mesh-wireguard-hook", "CREATE-6", "not refused", createWithoutAnnotation(meshScript)},
	{"runs a pod whose tunnel leads elsewhere", "tunnel-client-refused", "CREATE-6", "not refused", createWithoutAnnotation(tunnelCommands)},
	{"runs a pod whose mesh fails", "mesh-fails", "STATUS-37", "phases", createWithoutAnnotation(meshScript)},
	{"does not say why a mesh failed", "mesh-fails", "STATUS-25", "message", statusOfTerminated(func(c *corev1.ContainerStatus) { c.State.Terminated.Message = "the mesh failed" })},
	{"never ends a pod whose mesh still runs", "mesh-ordinary-container", "STATUS-32", "is running", statusOfTerminated(setRunning)},
	{"opens no tunnels", "tcp-tunnel-two-ports", "NET-8", "has 0 Services", createWithoutContainerField("ports")},
	{"opens tunnels for a pod without ports", "tcp-tunnel-no-ports", "NET-8", "has 1 Service ", createContainers(func(c object) { c["ports"] = []any{object{"containerPort": 80}} })},
}

var logMutants = []mutant{
	{"ignores Bytes", "logs-limits", "LOGS-2", "9 bytes", logWithoutOption("Bytes")},
	{"ignores Tail", "logs-limits", "LOGS-1", "tail 2", logWithoutOption("Tail")},
	{"ignores Previous", "logs-previous", "LOGS-1", "previous", logWithoutOption("Previous")},
	{"ignores Timestamps", "logs-timestamps", "LOGS-1", "timestamps", logWithoutOption("Timestamps")},
	{"ignores the container's name", "logs-of-each-container", "LOGS-1", "log", logRequest(func(request, _ object) { delete(request, "ContainerName") })},
	{"reads another log if no container is named", "logs-of-each-container", "LOGS-4", "no container name", logRequest(func(request, _ object) {
		if request["ContainerName"] == "" {
			request["ContainerName"] = "bass"
		}
	})},
}

var deleteMutants = []mutant{
	{"does not delete a pod that waits for a quota", "quota-deleted", "DELETE-1", "after all pods are deleted", on("/delete", fixed(200, ""))},
	{"deletes nothing", "delete-running", "DELETE-1", "after all pods are deleted", on("/delete", fixed(200, ""))},
	{"answers an error", "delete-running", "DELETE-2", "answered 500", on("/delete", withCode(500))},
	{"leaves a ConfigMap", "volume-configmap", "DELETE-1", "ConfigMap after all pods are deleted", after("/delete", createConfigMap)},
	{"leaves a Service", "tcp-tunnel-two-ports", "DELETE-1", "1 Service after all pods are deleted", before("/delete", createService)},
	{"leaves a tunnel", "tcp-tunnel-delete-running", "DELETE-1", "1 Release after all pods are deleted, expected 0: [default/left]", before("/delete", createRelease)},
	{"deletes the claim of a pod that is created again", "claim-of-recreated-pod", "DELETE-10", "is not that of the first pod", after("/delete", deleteAllClaims)},
	{"takes a pod that is created again for the first one", "claim-of-recreated-pod", "CREATE-18", "was created again, and has no remote pod", knowsPodsByName},
	{"creates no pod that could be compared", "claim-of-recreated-pod", "CREATE-18", "is deleted and created again: pod web-0 has no remote pod", on("/create", acceptWithoutCreating)},
	{"gives each pod a claim of its own", "claim-of-recreated-pod", "VOL-11", "does not mount claim", createRequest(claimOfUID)},
	{"drops the claims of both pods", "claim-of-recreated-pod", "VOL-11", "mounts no claim", createWithoutSpec("volumes")},
	{"deletes a claim that must stay", "claim-retained", "DELETE-10", "PersistentVolumeClaims after all", after("/delete", deleteAllClaims)},
}

// Each faulty plugin fails the scenario that tests for the fault, with a difference
// that names the fault. Without the fault the same scenario passes.
func TestMutants(t *testing.T) {
	withoutFault := map[string]bool{}
	for call, mutants := range map[string][]mutant{
		"status": statusMutants, "create": createMutants, "network": networkMutants, "logs": logMutants, "delete": deleteMutants,
	} {
		for _, m := range mutants {
			withoutFault[m.scenario] = true
			t.Run(call+" "+m.fault, func(t *testing.T) {
				t.Parallel()
				played := m.play(t)
				if played.Verdict != report.Failed || !slices.ContainsFunc(played.Texts(), m.isNamedBy) {
					t.Errorf("%s %s, want a difference of rule %q that contains %q, got %q", m.scenario, played.Verdict, m.rule, m.text, played.Texts())
				}
			})
		}
	}
	for name := range withoutFault {
		t.Run("no fault "+name, func(t *testing.T) {
			t.Parallel()
			m := mutant{scenario: name, answer: (*call).forward}
			if played := m.play(t); played.Verdict != report.Passed {
				t.Errorf("%s, differences %q", played.Verdict, played.Texts())
			}
		})
	}
}

// isNamedBy reports whether a difference has the mutant's rule and text.
func (m mutant) isNamedBy(difference string) bool {
	if m.rule == "" {
		return strings.Contains(difference, m.text)
	}
	return strings.HasPrefix(difference, m.rule+": ") && strings.Contains(difference, m.text)
}
