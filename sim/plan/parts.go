package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// describe says what becomes of the parts of a local pod.
func (r *Report) describe(local *corev1.Pod, objects *translate.Objects) {
	r.Names = names(local, objects)
	r.Placement = placement(&local.Spec, &objects.Pod.Spec)
	r.Volumes = volumes(&local.Spec, objects)
	r.Variables = variables(&local.Spec, &objects.Pod.Spec)
}

func names(local *corev1.Pod, objects *translate.Objects) []Part {
	remote := objects.Pod
	parts := []Part{
		{Name: "of the pod", Becomes: local.Name + " -> " + remote.Name},
		{Name: "of the namespace", Becomes: local.Namespace + " -> " + remote.Namespace},
	}
	if remote.Spec.Hostname != "" {
		parts = append(parts, Part{Name: "hostname", Becomes: remote.Spec.Hostname})
	}
	if remote.Spec.Subdomain != "" {
		parts = append(parts, Part{Name: "subdomain", Becomes: remote.Spec.Subdomain})
	}
	for _, service := range objects.Shared {
		parts = append(parts, Part{Name: "of Service " + service.Name, Becomes: "a headless Service, which each pod that uses the name owns"})
	}
	return parts
}

// placement says what the remote pod has of the fields that choose a node, an account and
// classes. A field that both pods lack is left out.
func placement(local, remote *corev1.PodSpec) []Part {
	var parts []Part
	for _, field := range []struct {
		name string
		of   func(*corev1.PodSpec) string
	}{
		{"nodeSelector", func(s *corev1.PodSpec) string { return pairs(s.NodeSelector) }},
		{"tolerations", tolerations},
		{"affinity", func(s *corev1.PodSpec) string { return setOrNone(s.Affinity != nil) }},
		{"topologySpreadConstraints", func(s *corev1.PodSpec) string { return setOrNone(len(s.TopologySpreadConstraints) > 0) }},
		{"runtimeClassName", func(s *corev1.PodSpec) string { return ptr.Deref(s.RuntimeClassName, "") }},
		{"priorityClassName", func(s *corev1.PodSpec) string { return s.PriorityClassName }},
		{"serviceAccountName", func(s *corev1.PodSpec) string { return s.ServiceAccountName }},
		{"schedulerName", func(s *corev1.PodSpec) string {
			if s.SchedulerName == corev1.DefaultSchedulerName {
				return ""
			}
			return s.SchedulerName
		}},
		{"imagePullSecrets", pullSecrets},
	} {
		here, there := field.of(local), field.of(remote)
		switch {
		case here == there && here == "":
		case here == there:
			parts = append(parts, Part{Name: field.name, Becomes: asWritten})
		default:
			parts = append(parts, Part{Name: field.name, Becomes: orNone(here) + " -> " + orNone(there)})
		}
	}
	return parts
}

func setOrNone(set bool) string {
	if set {
		return "set"
	}
	return ""
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func pairs(m map[string]string) string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, key+"="+m[key])
	}
	return strings.Join(list, ", ")
}

// tolerations returns the keys that a pod tolerates, without those that each pod does.
func tolerations(spec *corev1.PodSpec) string {
	var keys []string
	for _, t := range spec.Tolerations {
		if !strings.HasPrefix(t.Key, "node.kubernetes.io/") && !slices.Contains(keys, t.Key) {
			keys = append(keys, t.Key)
		}
	}
	return strings.Join(keys, ", ")
}

func pullSecrets(spec *corev1.PodSpec) string {
	var list []string
	for _, secret := range spec.ImagePullSecrets {
		list = append(list, secret.Name)
	}
	return strings.Join(list, ", ")
}

func volumes(local *corev1.PodSpec, objects *translate.Objects) []Part {
	var parts []Part
	for _, volume := range local.Volumes {
		i := slices.IndexFunc(objects.Pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == volume.Name })
		becomes := "left out"
		if i >= 0 {
			becomes = describeVolume(&objects.Pod.Spec.Volumes[i], objects)
		} else if !isMounted(local, volume.Name) {
			becomes = "left out: no container mounts it"
		}
		parts = append(parts, Part{Name: volume.Name, Becomes: becomes})
	}
	return parts
}

func describeVolume(remote *corev1.Volume, objects *translate.Objects) string {
	switch {
	case remote.ConfigMap != nil:
		return "ConfigMap " + remote.ConfigMap.Name
	case remote.Secret != nil:
		return "Secret " + remote.Secret.SecretName
	case remote.PersistentVolumeClaim != nil:
		return describeClaim(remote.PersistentVolumeClaim.ClaimName, objects)
	case remote.Projected != nil:
		return "the files that InterLink sends"
	}
	return asWritten
}

func describeClaim(name string, objects *translate.Objects) string {
	for _, claim := range objects.Claims {
		if claim.Name == name && claim.Object != nil {
			size := claim.Object.Spec.Resources.Requests[corev1.ResourceStorage]
			return fmt.Sprintf("claim %s, made with %s unless it exists", name, size.String())
		}
	}
	return "claim " + name + ", which must exist in the remote cluster"
}

func isMounted(spec *corev1.PodSpec, volume string) bool {
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		if slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume }) ||
			slices.ContainsFunc(c.VolumeDevices, func(d corev1.VolumeDevice) bool { return d.Name == volume }) {
			return true
		}
	}
	return false
}

// variables says what becomes of each variable that a container of the local pod names.
func variables(local, remote *corev1.PodSpec) []Part {
	var parts []Part
	containers := slices.Concat(remote.InitContainers, remote.Containers)
	for _, c := range slices.Concat(local.InitContainers, local.Containers) {
		i := slices.IndexFunc(containers, func(r corev1.Container) bool { return r.Name == c.Name })
		for _, variable := range c.Env {
			becomes := "stays in the local cluster, with its container"
			if i >= 0 {
				becomes = describeVariable(variable, containers[i].Env)
			}
			parts = append(parts, Part{Name: variable.Name, Container: c.Name, Becomes: becomes})
		}
	}
	return parts
}

// describeVariable says what a variable becomes. It never shows the value of a Secret or a
// ConfigMap.
func describeVariable(local corev1.EnvVar, remote []corev1.EnvVar) string {
	i := slices.IndexFunc(remote, func(v corev1.EnvVar) bool { return v.Name == local.Name })
	if i < 0 {
		return "lost"
	}
	from, there := local.ValueFrom, remote[i]
	switch {
	case there.ValueFrom != nil && there.ValueFrom.FieldRef != nil:
		return "the field " + there.ValueFrom.FieldRef.FieldPath + " of the remote pod"
	case there.ValueFrom != nil && there.ValueFrom.ResourceFieldRef != nil:
		return "the resource " + there.ValueFrom.ResourceFieldRef.Resource + " of the remote container"
	case there.ValueFrom != nil:
		return "a reference that the remote kubelet resolves"
	case from == nil:
		return asWritten
	case from.SecretKeyRef != nil:
		return "the value from Secret " + from.SecretKeyRef.Name
	case from.ConfigMapKeyRef != nil:
		return "the value from ConfigMap " + from.ConfigMapKeyRef.Name
	}
	return fmt.Sprintf("the text %q", there.Value)
}
