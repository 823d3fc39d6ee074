package translate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// volumes replaces the pod's volumes with their remote counterparts. It removes
// volumes that have none, together with their mounts.
func (t *translation) volumes(spec *corev1.PodSpec) {
	users := volumeUsers(spec)
	var remote []corev1.Volume
	for i := range spec.Volumes {
		local := &spec.Volumes[i]
		if volume, ok := t.volume(local, users[local.Name], spec); ok {
			remote = append(remote, volume)
		}
	}
	spec.Volumes = remote
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			dropMounts(&containers[i], remote)
			t.limitMounts(&containers[i])
		}
	}
}

// volume returns the remote counterpart of a local volume, and whether there is one.
// InterLink sends the content of a volume for each mount, so it sends none for a
// volume that no offloaded container mounts: such a volume is dropped without a
// warning.
func (t *translation) volume(local *corev1.Volume, users []string, spec *corev1.PodSpec) (volume corev1.Volume, keep bool) {
	used := len(users) > 0
	why := ""
	switch {
	case local.EmptyDir != nil, local.Image != nil:
		return *local, true
	case local.Ephemeral != nil && local.Ephemeral.VolumeClaimTemplate != nil:
		if !used {
			return corev1.Volume{}, false
		}
		return t.ephemeralVolume(local), true
	case local.ConfigMap != nil:
		ref := local.ConfigMap
		return *local, t.translateVolumeReference(reference{
			user: "volume " + local.Name, kind: kindConfigMap, name: &ref.Name, keys: itemKeys(ref.Items), optional: &ref.Optional,
		}, used)
	case local.Secret != nil:
		ref := local.Secret
		return *local, t.translateVolumeReference(reference{
			user: "volume " + local.Name, kind: kindSecret, name: &ref.SecretName, keys: itemKeys(ref.Items), optional: &ref.Optional,
		}, used)
	case local.Projected != nil:
		return t.projectedVolume(local, used, spec)
	case local.DownwardAPI != nil:
		// InterLink sends these as projected volumes (docs/contract.md, VOL-5). Earlier
		// versions did not.
		items := local.DownwardAPI
		return t.projectedVolume(&corev1.Volume{
			Name: local.Name,
			VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				DefaultMode: items.DefaultMode,
				Sources:     []corev1.VolumeProjection{{DownwardAPI: &corev1.DownwardAPIProjection{Items: items.Items}}},
			}},
		}, used, spec)
	case !used && local.PersistentVolumeClaim == nil:
	case local.PersistentVolumeClaim != nil:
		problems := len(t.problems)
		volume, keep := t.claimVolume(local, used)
		if keep || len(t.problems) > problems {
			return volume, keep
		}
		why = fmt.Sprintf("annotation %s does not name claim %s, and no rule in [offloading] claims matches it", wire.AnnotationRemotePVC, local.PersistentVolumeClaim.ClaimName)
	case local.CSI != nil, local.NFS != nil, local.HostPath != nil:
		if volume, why = t.permittedVolume(local); why == "" {
			return volume, true
		}
	default:
		why = "only configMap, secret, emptyDir, projected, downwardAPI, image, ephemeral, and permitted persistentVolumeClaim, csi, nfs and hostPath volumes reach the remote cluster"
	}
	if used {
		t.dropUnsupported("%s (mounted by %s) is left out: %s", describeVolume(local), strings.Join(errdefs.First(users), ", "), why)
		if local.PersistentVolumeClaim != nil {
			t.claimsLeftOut = append(t.claimsLeftOut, t.unsupported[len(t.unsupported)-1])
		}
	}
	return corev1.Volume{}, false
}

// translateVolumeReference is translateReference for a volume. It returns whether to
// keep the volume.
func (t *translation) translateVolumeReference(r reference, used bool) (keep bool) {
	if _, sent := t.sent.keys(r.kind, *r.name); !sent && !used && !r.isOptional() {
		return false
	}
	t.translateReference(r)
	return true
}

// describeVolume returns a volume's name, and its type as manifests write it.
func describeVolume(volume *corev1.Volume) string {
	volumeType := "no type"
	source := reflect.ValueOf(volume.VolumeSource)
	for i := range source.NumField() {
		if !source.Field(i).IsNil() {
			volumeType, _, _ = strings.Cut(source.Type().Field(i).Tag.Get("json"), ",")
			break
		}
	}
	return fmt.Sprintf("volume %s (%s)", volume.Name, volumeType)
}

// volumeUsers returns the names of the containers that use each volume.
func volumeUsers(spec *corev1.PodSpec) map[string][]string {
	users := map[string][]string{}
	addUser := func(volume, container string) {
		if !slices.Contains(users[volume], container) {
			users[volume] = append(users[volume], container)
		}
	}
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for _, c := range containers {
			for _, mount := range c.VolumeMounts {
				addUser(mount.Name, c.Name)
			}
			for _, device := range c.VolumeDevices {
				addUser(device.Name, c.Name)
			}
		}
	}
	return users
}

// dropMounts removes the mounts and devices of a container whose volume is not among
// the pod's volumes.
func dropMounts(c *corev1.Container, volumes []corev1.Volume) {
	missing := func(name string) bool {
		return !slices.ContainsFunc(volumes, func(v corev1.Volume) bool { return v.Name == name })
	}
	c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return missing(m.Name) })
	c.VolumeDevices = slices.DeleteFunc(c.VolumeDevices, func(d corev1.VolumeDevice) bool { return missing(d.Name) })
}
