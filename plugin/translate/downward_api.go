package translate

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// localField returns the value of a field that must describe the local pod: its name,
// namespace, UID, labels and annotations, its service account and its node, which is the
// virtual one. The other fields are addresses: a program can use only those of the remote
// pod, and its kubelet resolves them (docs/contract.md, ENV-15).
//
// Paths are those of the downward API:
// https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
func localField(pod *corev1.Pod, path string) (value string, found bool) {
	switch path {
	case "metadata.name":
		return pod.Name, true
	case "metadata.namespace":
		return pod.Namespace, true
	case "metadata.uid":
		return string(pod.UID), true
	case "spec.nodeName":
		return pod.Spec.NodeName, true
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, true
	case "metadata.labels":
		return formatMap(pod.Labels), true
	case "metadata.annotations":
		return formatMap(pod.Annotations), true
	}
	if key, ok := subscript(path, "metadata.labels"); ok {
		return pod.Labels[key], true
	}
	if key, ok := subscript(path, "metadata.annotations"); ok {
		return pod.Annotations[key], true
	}
	return "", false
}

// isAddress reports whether a field is an address of the pod or of its node.
func isAddress(path string) bool {
	switch path {
	case "status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs":
		return true
	}
	return false
}

// subscript returns the key of a path "field['key']".
func subscript(path, field string) (key string, found bool) {
	rest, ok := strings.CutPrefix(path, field+"['")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "']")
}

// formatMap writes labels or annotations as the downward API does: one line
// key="value" for each, sorted.
func formatMap(m map[string]string) string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, key+"="+strconv.Quote(m[key]))
	}
	return strings.Join(lines, "\n")
}
