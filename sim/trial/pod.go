package trial

import (
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

// container is the name of the container of the pod.
const container = "main"

// user is the user of the container: not root, so that the Pod Security Standard restricted
// accepts the pod.
const user = 65532

// Pod returns a pod that runs a command once. It needs no volume, no token and few
// resources, and the Pod Security Standard restricted accepts it.
func Pod(namespace, name, image string, command []string) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PodSpec{
			RestartPolicy:                 corev1.RestartPolicyNever,
			TerminationGracePeriodSeconds: ptr.To[int64](5),
			AutomountServiceAccountToken:  ptr.To(false),
			EnableServiceLinks:            ptr.To(false),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](user), RunAsGroup: ptr.To[int64](user),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: container, Image: image, Command: command,
				// A quota may require all four.
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
					Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
				},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
}

// Override changes a pod by a strategic merge patch, JSON or YAML. An error means that the
// patch is not one of a pod.
func Override(pod *corev1.Pod, patch string) (*corev1.Pod, error) {
	change, err := yaml.YAMLToJSONStrict([]byte(patch))
	if err != nil {
		return nil, err
	}
	before, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	merged, err := strategicpatch.StrategicMergePatch(before, change, &corev1.Pod{})
	if err != nil {
		return nil, err
	}
	changed := &corev1.Pod{}
	if err := yaml.UnmarshalStrict(merged, changed); err != nil {
		return nil, fmt.Errorf("the changed pod is not valid: %w", err)
	}
	switch {
	case changed.Name != pod.Name || changed.Namespace != pod.Namespace:
		return nil, errors.New("the name and the namespace of the pod cannot be changed")
	case len(changed.Spec.Containers) == 0:
		return nil, errors.New("the changed pod has no container")
	}
	return changed, nil
}
