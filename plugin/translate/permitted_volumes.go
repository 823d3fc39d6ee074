package translate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// permittedVolume returns a volume of a type that needs the permission of the site, and why
// it is not permitted; "" if it is.
func (t *translation) permittedVolume(local *corev1.Volume) (volume corev1.Volume, why string) {
	remote := local.DeepCopy()
	switch {
	case local.CSI != nil:
		why = t.whyNotCSI(remote.CSI)
	case local.NFS != nil:
		why = t.whyNotNFS(remote)
	case local.HostPath != nil:
		why = t.whyNotHostPath(remote)
	}
	if why != "" {
		return corev1.Volume{}, why
	}
	t.permitted[local.Name] = true
	return *remote, ""
}

// whyNotCSI accepts a driver of the site's list. The Secret that a volume can name would be
// one of the remote namespace, which the user has not created.
func (t *translation) whyNotCSI(csi *corev1.CSIVolumeSource) string {
	switch {
	case csi.NodePublishSecretRef != nil:
		return "it names a Secret, and a csi volume gets none in the remote cluster"
	case !matchesAny(t.options.CSIDrivers, csi.Driver):
		return fmt.Sprintf("the site does not permit the driver %s ([offloading] csi_drivers)", csi.Driver)
	}
	return ""
}

func (t *translation) whyNotNFS(volume *corev1.Volume) string {
	nfs := volume.NFS
	folder := strings.TrimSuffix(nfs.Path, "/")
	if nfs.Path == "/" {
		folder = "/"
	}
	for _, export := range t.options.NFS {
		if path.Clean(folder) == folder && matchesAny([]string{export.Server}, nfs.Server) && matchesAny([]string{export.Path}, folder) {
			if export.ReadOnly {
				nfs.ReadOnly = true
				t.limits[volume.Name] = mountLimits{readOnly: true, option: "nfs"}
			}
			return ""
		}
	}
	return fmt.Sprintf("the site does not permit the folder %s of server %s ([offloading] nfs)", nfs.Path, nfs.Server)
}

// whyNotHostPath accepts a folder of the site's list, which pods can only read. The path is
// one of these itself: the container runtime follows symbolic links in it, so that a folder
// below could be a link to any folder of the node.
func (t *translation) whyNotHostPath(volume *corev1.Volume) string {
	host := volume.HostPath
	folder := strings.TrimSuffix(host.Path, "/")
	permitted, slave := false, false
	for _, of := range t.options.HostPaths {
		if matchesAny([]string{of.Path}, folder) {
			permitted, slave = true, slave || of.Slave
		}
	}
	switch {
	case folder == "" || path.Clean(folder) != folder || !permitted:
		return fmt.Sprintf("the site does not permit the folder %s of its nodes ([offloading] host_paths)", host.Path)
	case !slices.Contains([]corev1.HostPathType{corev1.HostPathUnset, corev1.HostPathDirectory}, ptr.Deref(host.Type, corev1.HostPathUnset)):
		return fmt.Sprintf("of the site's nodes, pods can mount folders that exist (type Directory), not %s", *host.Type)
	}
	host.Type = ptr.To(corev1.HostPathDirectory) // a runtime creates a folder without a type if it does not exist
	t.limits[volume.Name] = mountLimits{readOnly: true, ofNode: true, slave: slave, option: "host_paths"}
	return ""
}

// ephemeralVolume rebuilds a generic ephemeral volume, whose claim the remote cluster creates
// and deletes with the pod. Of the user's claim it has the size, the modes, and the class by
// the site's list: a data source, the name of a volume or a selector could reach the data of
// others, and labels and annotations could mean something to controllers.
func (t *translation) ephemeralVolume(local *corev1.Volume) corev1.Volume {
	asked := local.Ephemeral.VolumeClaimTemplate.Spec
	class, known := t.storageClass(asked.StorageClassName)
	if name := ptr.Deref(asked.StorageClassName, ""); !known && name != "" {
		t.warn(WarnVolumes, "the storage class %s of volume %s is left out: it is of the local cluster, and [offloading] storage_classes names none for it", name, local.Name)
	}
	for _, part := range []struct {
		name  string
		isSet bool
	}{
		{"data source", asked.DataSource != nil || asked.DataSourceRef != nil},
		{"volume name", asked.VolumeName != ""},
		{"selector", asked.Selector != nil},
		{"volume attributes class", ptr.Deref(asked.VolumeAttributesClassName, "") != ""},
	} {
		if part.isSet {
			t.warn(WarnVolumes, "the %s of volume %s is left out: the remote volume is new and empty", part.name, local.Name)
		}
	}
	meta := t.options.Scope.Meta(metav1.ObjectMeta{Name: local.Name, Namespace: t.pod.Namespace}, "", t.uid)
	size := func(list corev1.ResourceList) corev1.ResourceList {
		if quantity, ok := list[corev1.ResourceStorage]; ok {
			return corev1.ResourceList{corev1.ResourceStorage: quantity}
		}
		return nil
	}
	return corev1.Volume{Name: local.Name, VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
		VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{
			ObjectMeta: metav1.ObjectMeta{Labels: meta.Labels, Annotations: meta.Annotations},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes:      asked.AccessModes,
				Resources:        corev1.VolumeResourceRequirements{Requests: size(asked.Resources.Requests), Limits: size(asked.Resources.Limits)},
				StorageClassName: class,
				VolumeMode:       asked.VolumeMode,
			},
		},
	}}}
}

// storageClass returns the storage class of the remote cluster for a local one, and whether
// the site names one; nil: the default class.
func (t *translation) storageClass(local *string) (class *string, known bool) {
	name, known := t.options.StorageClasses[ptr.Deref(local, "")]
	if !known {
		name, known = t.options.StorageClasses["*"]
	}
	if !known {
		return nil, false
	}
	return &name, true
}

// matchesAny reports whether a name matches one of the patterns.
func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		matches, err := path.Match(pattern, name)
		return err == nil && matches
	})
}
