package translate

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// OriginalVariables returns those variables of a pod, as the user wrote it, that a create
// request needs (docs/contract.md, ENV-17): the ones that come from fields of the pod itself.
// It never returns a reference to a ConfigMap or Secret.
func OriginalVariables(pod *corev1.Pod) []wire.OriginalContainer {
	var containers []wire.OriginalContainer
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if env := ofFields(c.Env); len(env) > 0 {
			containers = append(containers, wire.OriginalContainer{Name: c.Name, Env: env})
		}
	}
	return containers
}

func ofFields(variables []corev1.EnvVar) []corev1.EnvVar {
	var fields []corev1.EnvVar
	for _, variable := range variables {
		if from := onlyField(variable.ValueFrom); from != nil {
			fields = append(fields, corev1.EnvVar{Name: variable.Name, ValueFrom: from})
		}
	}
	return fields
}

// onlyField returns the one source of a variable that is a field of the pod itself, or a file
// in one of its volumes, or nil. No API server has checked the source: it can have others.
func onlyField(from *corev1.EnvVarSource) *corev1.EnvVarSource {
	switch {
	case from == nil:
	case from.FieldRef != nil:
		return &corev1.EnvVarSource{FieldRef: from.FieldRef.DeepCopy()}
	case from.ResourceFieldRef != nil:
		return &corev1.EnvVarSource{ResourceFieldRef: from.ResourceFieldRef.DeepCopy()}
	case from.FileKeyRef != nil:
		return &corev1.EnvVarSource{FileKeyRef: from.FileKeyRef.DeepCopy()}
	}
	return nil
}

// applied returns the containers in kubectl's copy of the manifest. A controller can copy the
// annotation of its own object to a pod, and a user can create a pod from the YAML of another
// one: a copy that is not of this pod is none.
func (t *translation) applied() []wire.OriginalContainer {
	if t.appliedContainers == nil {
		t.appliedContainers = new([]wire.OriginalContainer)
		var manifest struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
			} `json:"metadata"`
			Spec struct {
				InitContainers []wire.OriginalContainer `json:"initContainers"`
				Containers     []wire.OriginalContainer `json:"containers"`
			} `json:"spec"`
		}
		err := json.Unmarshal([]byte(t.pod.Annotations[wire.AnnotationLastApplied]), &manifest)
		if err == nil && cmp.Or(manifest.Kind, "Pod") == "Pod" &&
			cmp.Or(manifest.Metadata.Name, t.pod.Name) == t.pod.Name && cmp.Or(manifest.Metadata.Namespace, t.pod.Namespace) == t.pod.Namespace {
			*t.appliedContainers = slices.Concat(manifest.Spec.InitContainers, manifest.Spec.Containers)
		}
	}
	return *t.appliedContainers
}

// declared returns where a variable comes from, as the user wrote it, if that is known. It is
// a field of the pod, and nothing else. The caller may change it.
func (t *translation) declared(container, variable string) *corev1.EnvVarSource {
	for _, containers := range [][]wire.OriginalContainer{t.applied(), t.originalContainers} {
		var found *corev1.EnvVarSource
		for _, c := range containers {
			for _, v := range c.Env {
				if c.Name == container && v.Name == variable {
					found = v.ValueFrom // the last one of a name counts
				}
			}
		}
		if from := onlyField(found); from != nil {
			return from
		}
	}
	return nil
}

const completionIndex = "JOB_COMPLETION_INDEX"

// controllerFields are the fields of variables that controllers add to their pods; of the
// fields of one name, the first one with a value is meant.
var controllerFields = map[string][]string{
	// Job, and the training operator of Kubeflow, which relies on it:
	// https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
	completionIndex: completionIndexFields,
	"PET_NODE_RANK": completionIndexFields,
	// KubeRay, and LeaderWorkerSet.
	"RAY_CLUSTER_NAME":   {"metadata.labels['ray.io/cluster']"},
	"RAY_NODE_TYPE_NAME": {"metadata.labels['ray.io/group']"},
	"LWS_WORKER_INDEX":   {"metadata.labels['leaderworkerset.sigs.k8s.io/worker-index']"},
}

var completionIndexFields = []string{
	"metadata.annotations['" + batchv1.JobCompletionIndexAnnotation + "']",
	"metadata.labels['" + batchv1.JobCompletionIndexAnnotation + "']",
}

// usualFields are the fields that users mean by the names of variables which arrive empty.
var usualFields = map[string]string{
	"NODE_NAME": "spec.nodeName", "MY_NODE_NAME": "spec.nodeName", "K8S_NODE_NAME": "spec.nodeName",
	"KUBE_NODE_NAME": "spec.nodeName", "NODENAME": "spec.nodeName", "PANDA_HOSTNAME": "spec.nodeName",
	"HOST_IP": "status.hostIP", "MY_HOST_IP": "status.hostIP", "NODE_IP": "status.hostIP",
	"MY_NODE_IP": "status.hostIP", "K8S_NODE_IP": "status.hostIP",
	"HOST_IPS": "status.hostIPs", "POD_IPS": "status.podIPs", "MY_POD_IPS": "status.podIPs",
	"SERVICE_ACCOUNT": "spec.serviceAccountName", "SERVICE_ACCOUNT_NAME": "spec.serviceAccountName",
	"POD_SERVICE_ACCOUNT": "spec.serviceAccountName", "MY_POD_SERVICE_ACCOUNT": "spec.serviceAccountName",
}

// fieldPath returns the field of a variable that arrived with a value, which the virtual
// kubelet may have replaced (docs/contract.md, ENV-14). It is sure, and the original pod would
// say nothing else, if the path does not come from the usual meaning of a name.
func (t *translation) fieldPath(container string, variable corev1.EnvVar) (path string, sure bool) {
	if from := t.declared(container, variable.Name); from != nil && from.FieldRef != nil {
		return from.FieldRef.FieldPath, true
	}
	switch variable.Value {
	case "":
		for _, path := range controllerFields[variable.Name] {
			if value, _ := localField(t.pod, path); value != "" {
				return path, true
			}
		}
		return usualFields[variable.Name], false
	case "127.0.0.1", t.pod.Status.PodIP:
		// The virtual kubelet gives this address to no other field, but a label or an
		// annotation can have it as its value.
		same := func(value string) bool { return value == variable.Value }
		values := slices.Concat(slices.Collect(maps.Values(t.pod.Labels)), slices.Collect(maps.Values(t.pod.Annotations)))
		return "status.podIP", !slices.ContainsFunc(values, same)
	}
	return "", true
}

// isUnfilled reports whether a variable arrived without the value that the virtual kubelet
// gives it when it resolves variables: a field that is empty, or an address (docs/contract.md,
// ENV-3, ENV-6 and ENV-7).
func (t *translation) isUnfilled(container string, variable corev1.EnvVar) bool {
	if t.kindOf(container, variable.Name) != kindField {
		return false
	}
	path, sure := t.fieldPath(container, variable)
	value, _ := localField(t.pod, path)
	return sure && (isAddress(path) || variable.Value == "" && value != "")
}

// isOfJob reports whether a Job controls the pod.
func (t *translation) isOfJob() bool {
	owner := metav1.GetControllerOfNoCopy(t.pod)
	return owner != nil && owner.Kind == "Job" && owner.APIVersion == batchv1.SchemeGroupVersion.String()
}
