package translate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// volumes replaces the pod's volumes by their remote counterparts, and takes
// those that have none out of every container.
func (t *translation) volumes(spec *corev1.PodSpec) {
	users := mounted(spec)
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
			keepMounts(&containers[i], remote)
		}
	}
}

// volume returns the remote counterpart of a local volume, and whether there is
// one. A volume that no offloaded container uses is left out without a word
// when its content did not come: InterLink sends content by mount.
func (t *translation) volume(local *corev1.Volume, users []string, spec *corev1.PodSpec) (corev1.Volume, bool) {
	used := len(users) > 0
	switch {
	case local.EmptyDir != nil:
		return *local, true
	case local.ConfigMap != nil:
		ref := local.ConfigMap
		came := find(t.sources.configMaps, ref.Name) != nil
		return *local, t.volumeReference(local.Name, "ConfigMap", &ref.Name, came, used, ref.Optional)
	case local.Secret != nil:
		ref := local.Secret
		came := find(t.sources.secrets, ref.SecretName) != nil
		return *local, t.volumeReference(local.Name, "Secret", &ref.SecretName, came, used, ref.Optional)
	case local.Projected != nil:
		return t.projectedVolume(local, used, spec)
	case local.DownwardAPI != nil:
		// Today's InterLink rewrites these as projected volumes; its earlier
		// versions did not.
		items := local.DownwardAPI
		return t.projectedVolume(&corev1.Volume{
			Name: local.Name,
			VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				DefaultMode: items.DefaultMode,
				Sources:     []corev1.VolumeProjection{{DownwardAPI: &corev1.DownwardAPIProjection{Items: items.Items}}},
			}},
		}, used, spec)
	case local.PersistentVolumeClaim != nil && t.claimOptedIn(local.PersistentVolumeClaim.ClaimName):
		t.addClaim(local.PersistentVolumeClaim.ClaimName)
		return *local, true
	}
	if used {
		t.leaveOut("%s (mounted by %s) is left out: %s", describe(local), strings.Join(users, ", "), t.whyUnsupported(local))
	}
	return corev1.Volume{}, false
}

func (t *translation) volumeReference(volume, kind string, name *string, came, used bool, optional *bool) bool {
	if !came && !used && !ptr.Deref(optional, false) {
		return false
	}
	t.reference("volume "+volume, kind, name, came, optional)
	return true
}

func (t *translation) whyUnsupported(volume *corev1.Volume) string {
	if claim := volume.PersistentVolumeClaim; claim != nil {
		return fmt.Sprintf("annotation %s does not name claim %s", wire.AnnotationRemotePVC, claim.ClaimName)
	}
	return "only configMap, secret, emptyDir, projected, downwardAPI and opted-in persistentVolumeClaim volumes reach the remote cluster"
}

// describe names a volume and its type as a manifest would.
func describe(volume *corev1.Volume) string {
	return fmt.Sprintf("volume %s (%s)", volume.Name, sourceType(volume))
}

// mounted returns the names of the containers that use each volume.
func mounted(spec *corev1.PodSpec) map[string][]string {
	users := map[string][]string{}
	use := func(volume, container string) {
		if !slices.Contains(users[volume], container) {
			users[volume] = append(users[volume], container)
		}
	}
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for _, c := range containers {
			for _, mount := range c.VolumeMounts {
				use(mount.Name, c.Name)
			}
			for _, device := range c.VolumeDevices {
				use(device.Name, c.Name)
			}
		}
	}
	return users
}

// keepMounts takes out of a container what uses a volume that is not there.
func keepMounts(c *corev1.Container, volumes []corev1.Volume) {
	missing := func(name string) bool {
		return !slices.ContainsFunc(volumes, func(v corev1.Volume) bool { return v.Name == name })
	}
	c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return missing(m.Name) })
	c.VolumeDevices = slices.DeleteFunc(c.VolumeDevices, func(d corev1.VolumeDevice) bool { return missing(d.Name) })
}
