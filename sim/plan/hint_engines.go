package plan

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/workloads"
)

// hintEngines names the settings that an engine needs, and what it cannot do.
func hintEngines(pod *workloads.Pod, add func(string, ...any)) {
	containers := slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
	for _, engine := range []struct {
		is   func(corev1.Container) bool
		text string
	}{
		{
			func(c corev1.Container) bool { return slices.Contains(c.Args, "/tekton/downward/ready") },
			`Tekton waits for annotation tekton.dev/ready: set running-in-environment-with-injected-sidecars to "false" in ConfigMap feature-flags of Tekton; for Tasks with sidecars also await-sidecar-readiness to "false" and enable-kubernetes-sidecar to "true"`,
		},
		{
			func(c corev1.Container) bool { return strings.Contains(c.Image, "gitlab-runner-helper") },
			"GitLab Runner runs its scripts by attach or exec, which do not work through a virtual node: give the runner an executor of its own in the remote cluster",
		},
		{
			func(c corev1.Container) bool { return c.Name == "block-cloud-metadata" },
			"JupyterHub's init container block-cloud-metadata needs privileges: set singleuser.cloudMetadata.blockWithIptables to false, and block the address by a NetworkPolicy of the namespace template",
		},
	} {
		if slices.ContainsFunc(containers, engine.is) {
			add("%s", engine.text)
		}
	}
	for _, c := range pod.Spec.Containers {
		if pod.Labels["tekton.dev/taskRun"] != "" && strings.HasPrefix(c.Name, "sidecar-") {
			add(`Tekton ends container %s by a change of its image, which does not reach the remote pod, so the pod never ends: set enable-kubernetes-sidecar to "true" in ConfigMap feature-flags of Tekton`, c.Name)
		}
	}
	if pod.Labels["component"] == "singleuser-server" && pod.Annotations[wire.AnnotationPreExec] == "" {
		add("the hub and the proxy of JupyterHub connect to the address of the pod, and the pod calls the hub by the name of a local Service: use a mesh")
	}
	if pod.Labels["workflows.argoproj.io/workflow"] != "" {
		add("Argo stops a running pod by exec (argo stop, argo terminate, the end of a daemon step), which does not work through a virtual node: delete the Workflow, or set activeDeadlineSeconds")
	}
}
