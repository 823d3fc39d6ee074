package translate

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Values of [wire.AnnotationRetention].
const (
	// RetentionDelete deletes the claim with its last pod.
	RetentionDelete = "delete"
	// RetentionRetain keeps it, like no policy at all.
	RetentionRetain = "retain"
)

// Claim is a persistent volume claim that the remote pod uses. Its name is not
// scoped to the pod: claims are there to outlive and be shared by pods.
type Claim struct {
	Name string
	// Object is created if the remote cluster has no claim of that name; nil
	// means that it must have one.
	Object *corev1.PersistentVolumeClaim
}

// ClaimNames returns the claims among a pod's volumes that it opted in, each
// once. It serves deletion as well, where only the local pod is at hand.
func ClaimNames(pod *corev1.Pod) []string {
	opted := strings.Split(pod.Annotations[wire.AnnotationRemotePVC], ",")
	for i := range opted {
		opted[i] = strings.TrimSpace(opted[i])
	}
	var names []string
	for i := range pod.Spec.Volumes {
		claim := pod.Spec.Volumes[i].PersistentVolumeClaim
		if claim != nil && slices.Contains(opted, claim.ClaimName) && !slices.Contains(names, claim.ClaimName) {
			names = append(names, claim.ClaimName)
		}
	}
	return names
}

func (t *translation) claimOptedIn(name string) bool { return slices.Contains(ClaimNames(t.pod), name) }

// addClaim notes that the pod uses a claim: made from the object that came, else
// from the pod's annotation, else expected to be there.
func (t *translation) addClaim(name string) {
	if slices.ContainsFunc(t.claims, func(c Claim) bool { return c.Name == name }) {
		return
	}
	claim := Claim{Name: name}
	if local := find(t.sources.claims, name); local != nil {
		claim.Object = t.claimFromObject(local)
	} else if text, ok := t.pod.Annotations[wire.AnnotationClaimPrefix+name]; ok {
		claim.Object = t.claimFromAnnotation(name, text)
	}
	t.claims = append(t.claims, claim)
}

// claimFromObject copies a local claim without what binds it to the local
// cluster's storage.
func (t *translation) claimFromObject(local *corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaim {
	source := local.ObjectMeta
	source.Namespace = t.pod.Namespace
	remote := &corev1.PersistentVolumeClaim{
		ObjectMeta: t.options.Scope.Meta(source, local.Name, ""),
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      local.Spec.AccessModes,
			Resources:        local.Spec.Resources,
			StorageClassName: local.Spec.StorageClassName,
			VolumeMode:       local.Spec.VolumeMode,
			Selector:         local.Spec.Selector,
		},
	}
	for name := range remote.Annotations {
		// The volume controllers' own notes: a claim that says it is bound and
		// names no volume is taken for one that lost its volume.
		if strings.HasPrefix(name, "pv.kubernetes.io/") ||
			strings.HasPrefix(name, "volume.kubernetes.io/") ||
			strings.HasPrefix(name, "volume.beta.kubernetes.io/") {
			delete(remote.Annotations, name)
		}
	}
	return remote
}

// claimTemplate is what the annotation of a claim holds.
type claimTemplate struct {
	Storage          resource.Quantity                   `json:"storage"`
	AccessModes      []corev1.PersistentVolumeAccessMode `json:"accessModes"`
	StorageClassName *string                             `json:"storageClassName"`
	RetentionPolicy  string                              `json:"retentionPolicy"`
}

func (t *translation) claimFromAnnotation(name, text string) *corev1.PersistentVolumeClaim {
	annotation := wire.AnnotationClaimPrefix + name
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	var template claimTemplate
	if err := decoder.Decode(&template); err != nil {
		t.problem(`annotation %s: %v (expected {"storage":"10Gi","accessModes":["ReadWriteOnce"],"storageClassName":"...","retentionPolicy":"delete"|"retain"})`, annotation, err)
		return nil
	}
	if template.Storage.Sign() <= 0 {
		t.problem("annotation %s: storage is missing or not above 0", annotation)
	}
	switch template.RetentionPolicy {
	case "", RetentionDelete, RetentionRetain:
	default:
		t.problem("annotation %s: retentionPolicy is %q, not %q or %q", annotation, template.RetentionPolicy, RetentionDelete, RetentionRetain)
	}
	if len(template.AccessModes) == 0 {
		template.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	}
	source := metav1.ObjectMeta{Name: name, Namespace: t.pod.Namespace}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: t.options.Scope.Meta(source, name, ""),
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      template.AccessModes,
			StorageClassName: template.StorageClassName,
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: template.Storage},
			},
		},
	}
	if template.RetentionPolicy != "" {
		claim.Annotations[wire.AnnotationRetention] = template.RetentionPolicy
	}
	return claim
}
