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
	// RetentionRetain keeps the claim. It is the default.
	RetentionRetain = "retain"
)

// Claim is a persistent volume claim that the remote pod uses. Its remote name is its
// local name, since claims outlive pods and pods share them.
type Claim struct {
	Name string
	// Object is the claim to create if the remote namespace has no claim of that
	// name. It is nil if the claim must exist.
	Object *corev1.PersistentVolumeClaim
}

// ClaimNames returns the names of the claims that the pod uses and opts in, each
// once. A delete, which has the local pod only, uses it too.
func ClaimNames(pod *corev1.Pod) []string {
	optedIn := strings.Split(pod.Annotations[wire.AnnotationRemotePVC], ",")
	for i := range optedIn {
		optedIn[i] = strings.TrimSpace(optedIn[i])
	}
	var names []string
	for i := range pod.Spec.Volumes {
		claim := pod.Spec.Volumes[i].PersistentVolumeClaim
		if claim != nil && slices.Contains(optedIn, claim.ClaimName) && !slices.Contains(names, claim.ClaimName) {
			names = append(names, claim.ClaimName)
		}
	}
	return names
}

func (t *translation) claimOptedIn(name string) bool { return slices.Contains(ClaimNames(t.pod), name) }

// addClaim adds a claim that the pod uses. The plugin creates it from the object in
// the request, or else from the pod's annotation. Without both, the claim must exist.
func (t *translation) addClaim(name string) {
	if slices.ContainsFunc(t.claims, func(c Claim) bool { return c.Name == name }) {
		return
	}
	claim := Claim{Name: name}
	if local := findByName(t.sent.claims, name); local != nil {
		claim.Object = t.claimFromObject(local)
	} else if text, ok := t.pod.Annotations[wire.AnnotationClaimPrefix+name]; ok {
		claim.Object = t.claimFromAnnotation(name, text)
	}
	if claim.Object != nil {
		claim.Object.Annotations[wire.AnnotationCreatedFor] = t.uid
	}
	t.claims = append(t.claims, claim)
}

// claimFromObject copies a local claim without the fields that bind it to a volume of
// the local cluster.
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
	if policy, ok := local.Annotations[wire.AnnotationRetention]; ok {
		remote.Annotations[wire.AnnotationRetention] = policy
	}
	return remote
}

// claimTemplate is the content of a claim's annotation.
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
		t.addProblem(`annotation %s: %v (expected {"storage":"10Gi","accessModes":["ReadWriteOnce"],"storageClassName":"...","retentionPolicy":"delete"|"retain"})`, annotation, err)
		return nil
	}
	if template.Storage.Sign() <= 0 {
		t.addProblem("annotation %s: storage is missing or not above 0", annotation)
	}
	switch template.RetentionPolicy {
	case "", RetentionDelete, RetentionRetain:
	default:
		t.addProblem("annotation %s: retentionPolicy is %q, not %q or %q", annotation, template.RetentionPolicy, RetentionDelete, RetentionRetain)
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
