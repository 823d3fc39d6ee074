package claimrules

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Retention policies of claims.
const (
	// RetentionDelete deletes the claim with its last pod.
	RetentionDelete = "delete"
	// RetentionRetain keeps the claim. It is the default.
	RetentionRetain = "retain"
)

// Template says how a remote claim is created.
type Template struct {
	Storage          resource.Quantity                   `json:"storage"`
	AccessModes      []corev1.PersistentVolumeAccessMode `json:"accessModes,omitempty"`
	StorageClassName *string                             `json:"storageClassName,omitempty"`
	RetentionPolicy  string                              `json:"retentionPolicy,omitempty"`
}

// accessModes are those of Kubernetes.
var accessModes = []corev1.PersistentVolumeAccessMode{
	corev1.ReadWriteOnce, corev1.ReadOnlyMany, corev1.ReadWriteMany, corev1.ReadWriteOncePod,
}

// Check returns everything that is wrong with a template.
func (t *Template) Check() []error {
	var problems []error
	if t.Storage.Sign() <= 0 {
		problems = append(problems, errors.New("storage is missing or not above 0"))
	}
	for _, mode := range t.AccessModes {
		if !slices.Contains(accessModes, mode) {
			problems = append(problems, fmt.Errorf("accessModes has %q, which is none of %q", mode, accessModes))
		}
	}
	switch t.RetentionPolicy {
	case "", RetentionDelete, RetentionRetain:
	default:
		problems = append(problems, fmt.Errorf("retentionPolicy is %q, not %q or %q", t.RetentionPolicy, RetentionDelete, RetentionRetain))
	}
	return problems
}

// CheckOfUser returns everything that is wrong with a template that a user has written. A claim
// without a storage class takes any free volume of the cluster that has none: only the site may
// say so.
func (t *Template) CheckOfUser() []error {
	problems := t.Check()
	if t.StorageClassName != nil && *t.StorageClassName == "" {
		problems = append(problems, errors.New("storageClassName is empty, which would take any volume of the remote cluster that has no storage class: name a class, or leave it out for the default one"))
	}
	return problems
}

// Spec returns the spec of a claim that is created.
func (t *Template) Spec() corev1.PersistentVolumeClaimSpec {
	modes := t.AccessModes
	if len(modes) == 0 {
		modes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	}
	return corev1.PersistentVolumeClaimSpec{
		AccessModes:      modes,
		StorageClassName: t.StorageClassName,
		Resources: corev1.VolumeResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceStorage: t.Storage},
		},
	}
}
