package translate

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/claimrules"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// Values of [wire.AnnotationRetention].
const (
	RetentionDelete = claimrules.RetentionDelete
	RetentionRetain = claimrules.RetentionRetain
)

// Claim is a persistent volume claim that the remote pod uses. Claims outlive pods and pods
// share them, so its name does not depend on the pod: it is the local name, unless a rule of
// the site gives another one.
type Claim struct {
	Name string
	// Object is the claim to create if the remote namespace has no claim of that
	// name. It is nil if the claim must exist.
	Object *corev1.PersistentVolumeClaim
	// NotOfSite says why the pod must not use a claim of that name that the site has
	// created; empty if it may.
	NotOfSite string
	// ByRule says that the site has chosen the claim, not the user.
	ByRule bool
}

// claimUse is how a pod uses the remote counterpart of one of its claims. It is by a rule if
// the annotations of the pod say nothing about the claim.
type claimUse struct {
	claimrules.Use
	local  string // the name of the local claim
	byRule bool
}

// useOf returns how a pod uses the claim of a volume, and whether it can. An error is about
// names that are not valid.
func useOf(pod *corev1.Pod, volume *corev1.Volume, rules claimrules.Rules) (use claimUse, ok bool, err error) {
	name := volume.PersistentVolumeClaim.ClaimName
	for listed := range strings.SplitSeq(pod.Annotations[wire.AnnotationRemotePVC], ",") {
		if strings.TrimSpace(listed) == name {
			return claimUse{Use: claimrules.Use{Remote: name, Limits: rules.Limits(pod.Namespace, name)}, local: name}, true, nil
		}
	}
	byRule, ok, err := rules.Find(pod.Namespace, name, volume.Name)
	return claimUse{Use: byRule, local: name, byRule: true}, ok, err
}

// ClaimNames returns the names of the remote claims that the pod uses, each once. A delete,
// which has the local pod only, uses it too.
func ClaimNames(pod *corev1.Pod, rules claimrules.Rules) []string {
	var names []string
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		if use, ok, err := useOf(pod, volume, rules); ok && err == nil && !slices.Contains(names, use.Remote) {
			names = append(names, use.Remote)
		}
	}
	return names
}

// CreatesClaim reports whether the pod or the site says how to create a remote claim.
func CreatesClaim(pod *corev1.Pod, rules claimrules.Rules, name string) bool {
	if pod.Annotations[wire.AnnotationClaimPrefix+name] != "" {
		return true
	}
	return slices.ContainsFunc(pod.Spec.Volumes, func(volume corev1.Volume) bool {
		if volume.PersistentVolumeClaim == nil {
			return false
		}
		use, ok, err := useOf(pod, &volume, rules)
		return ok && err == nil && use.Remote == name && use.Create != nil
	})
}

func claimNames(claims []Claim) []string {
	names := make([]string, len(claims))
	for i := range claims {
		names[i] = claims[i].Name
	}
	return names
}

// claimVolume returns the remote volume for a claim that the pod opts in, or that a rule of
// the site is about.
func (t *translation) claimVolume(local *corev1.Volume, used bool) (volume corev1.Volume, keep bool) {
	use, ok, err := useOf(t.pod, local, t.options.ClaimRules)
	switch {
	case err != nil:
		t.addProblem("volume %s: %v", local.Name, err)
		return corev1.Volume{}, false
	case !ok, use.byRule && !used:
		return corev1.Volume{}, false
	}
	t.addClaim(use)
	remote := local.DeepCopy()
	remote.PersistentVolumeClaim.ClaimName = use.Remote
	if use.ReadOnly {
		remote.PersistentVolumeClaim.ReadOnly = true
	}
	t.limits[local.Name] = mountLimits{
		readOnly: use.ReadOnly, subPath: use.SubPath, userSubPaths: use.UserSubPaths, noDevices: use.ReadOnly || use.SubPath != "",
		option: "claims",
	}
	return *remote, true
}

// addClaim adds a claim that the pod uses. The plugin creates it from the object in
// the request, or else from the pod's annotation, or as a rule says. Without all of these, the
// claim must exist. Several volumes can lead to one claim: one of them says how to create it.
func (t *translation) addClaim(use claimUse) {
	at := slices.IndexFunc(t.claims, func(c Claim) bool { return c.Name == use.Remote })
	if at < 0 {
		at = len(t.claims)
		notOfSite := t.options.ClaimRules.NotOfSite(t.pod.Namespace, use.Remote, t.options.Scope.Namespace != "")
		t.claims = append(t.claims, Claim{Name: use.Remote, NotOfSite: notOfSite})
	}
	claim := &t.claims[at]
	claim.ByRule = claim.ByRule || use.byRule
	if claim.Object != nil {
		return
	}
	switch {
	case use.Create != nil:
		claim.Object = t.newClaim(use.local, use.Remote, use.Create)
	case use.byRule:
	default:
		if local := findByName(t.sent.claims, use.Remote); local != nil {
			claim.Object = t.claimFromObject(local)
		} else if text, ok := t.pod.Annotations[wire.AnnotationClaimPrefix+use.Remote]; ok {
			claim.Object = t.claimFromAnnotation(use.Remote, text)
		}
	}
	if claim.Object != nil {
		claim.Object.Annotations[wire.AnnotationCreatedFor] = t.uid
	}
}

// claimFromObject copies a local claim without the fields that bind it to a volume: these
// name volumes of the local cluster, and could match those of others in the remote one.
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
		},
	}
	if class, ok := t.storageClass(local.Spec.StorageClassName); ok {
		remote.Spec.StorageClassName = class
	}
	if class := remote.Spec.StorageClassName; class != nil && *class == "" {
		t.warn(WarnClaims, "the empty storage class of claim %s is left out: it would take any volume of the remote cluster that has no class", local.Name)
		remote.Spec.StorageClassName = nil
	}
	if local.Spec.Selector != nil {
		t.warn(WarnClaims, "the selector of claim %s is left out: it is about volumes of the local cluster", local.Name)
	}
	if policy, ok := local.Annotations[wire.AnnotationRetention]; ok {
		remote.Annotations[wire.AnnotationRetention] = policy
	}
	return remote
}

func (t *translation) claimFromAnnotation(name, text string) *corev1.PersistentVolumeClaim {
	annotation := wire.AnnotationClaimPrefix + name
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	var template claimrules.Template
	if err := decoder.Decode(&template); err != nil {
		t.addProblem(`annotation %s: %v (expected {"storage":"10Gi","accessModes":["ReadWriteOnce"],"storageClassName":"...","retentionPolicy":"delete"|"retain"})`, annotation, err)
		return nil
	}
	for _, problem := range template.CheckOfUser() {
		t.addProblem("annotation %s: %v", annotation, problem)
	}
	return t.newClaim(name, name, &template)
}

// newClaim returns a claim for the local namespace of the pod.
func (t *translation) newClaim(local, remote string, template *claimrules.Template) *corev1.PersistentVolumeClaim {
	source := metav1.ObjectMeta{Name: local, Namespace: t.pod.Namespace}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: t.options.Scope.Meta(source, remote, ""),
		Spec:       template.Spec(),
	}
	if template.RetentionPolicy != "" {
		claim.Annotations[wire.AnnotationRetention] = template.RetentionPolicy
	}
	return claim
}
