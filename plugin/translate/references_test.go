package translate_test

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// No remote pod refers to an object of the remote cluster by a name that the user wrote: it could be
// of another tenant, or of the plugin. The pod below writes one name in each way that there is.
func TestNoReferenceHasTheUsersName(t *testing.T) {
	const victim = "victim"
	object := corev1.LocalObjectReference{Name: victim}
	optional := ptr.To(true)
	volume := func(name string, source corev1.VolumeSource) corev1.Volume {
		return corev1.Volume{Name: name, VolumeSource: source}
	}
	spec := corev1.PodSpec{
		ServiceAccountName: victim, DeprecatedServiceAccount: victim, PriorityClassName: victim, RuntimeClassName: ptr.To(victim),
		ImagePullSecrets: []corev1.LocalObjectReference{object},
		ResourceClaims:   []corev1.PodResourceClaim{{Name: "device", ResourceClaimName: ptr.To(victim)}},
		Volumes: []corev1.Volume{
			volume("a", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: victim, Optional: optional}}),
			volume("b", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: object, Optional: optional}}),
			volume("c", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{Secret: &corev1.SecretProjection{LocalObjectReference: object, Optional: optional}},
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: object, Optional: optional}},
				{ClusterTrustBundle: &corev1.ClusterTrustBundleProjection{Name: ptr.To(victim), Path: "ca", Optional: optional}},
			}}}),
			volume("d", corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: victim}}),
			volume("e", corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: victim, NodePublishSecretRef: &object}}),
			volume("f", corev1.VolumeSource{AzureFile: &corev1.AzureFileVolumeSource{SecretName: victim}}),
			volume("g", corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{
				Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: ptr.To(victim), DataSource: &corev1.TypedLocalObjectReference{Kind: "PersistentVolumeClaim", Name: victim}},
			}}}),
		},
	}
	container := corev1.Container{
		Name: "main", Image: "busybox",
		Env: []corev1.EnvVar{
			{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: object, Key: "k", Optional: optional}}},
			{Name: "B", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: object, Key: "k", Optional: optional}}},
		},
		EnvFrom: []corev1.EnvFromSource{
			{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: object, Optional: optional}},
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: object, Optional: optional}},
		},
		Resources: corev1.ResourceRequirements{Claims: []corev1.ResourceClaim{{Name: "device"}}},
	}
	for _, v := range spec.Volumes {
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: v.Name, MountPath: "/" + v.Name})
	}
	spec.Containers = []corev1.Container{container}
	container.Name = "init"
	spec.InitContainers = []corev1.Container{container}
	local := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: "demo", UID: "92030190-ca03-4864-a97c-dabccaa67f8e"}, Spec: spec}
	if written, err := json.Marshal(local.Spec); err != nil || strings.Count(string(written), `"`+victim+`"`) < 20 {
		t.Fatalf("the pod does not write the name in many ways: %v", err)
	}
	options := translate.Options{Scope: scope.Scope{Instance: "default"}} // remote namespaces have the names of the local ones
	options.UnsupportedVolumes = config.DropVolumes
	objects, err := translate.ToObjects(&wire.CreateRequest{Pod: local}, options)
	if err != nil {
		t.Fatal(err)
	}
	if remote, err := json.Marshal(objects.Pod.Spec); err != nil || strings.Contains(string(remote), `"`+victim+`"`) {
		t.Errorf("the remote pod refers to it (%v):\n%s", err, remote)
	}
}
