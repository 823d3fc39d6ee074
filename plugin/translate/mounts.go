package translate

import (
	"cmp"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// mountLimits are what the site permits with a volume.
type mountLimits struct {
	readOnly bool
	// subPath is the only folder of the volume that containers see. With userSubPaths, they may
	// mount folders below it.
	subPath      string
	userSubPaths bool
	// noDevices refuses containers that use the volume as a device, which has no folders.
	noDevices bool
	// ofNode is true for a folder of the node. With slave, containers may see what the node
	// mounts below it later.
	ofNode, slave bool
	// option is the option of the site, for messages.
	option string
}

// limitMounts applies the limits of the volumes to a container.
func (t *translation) limitMounts(c *corev1.Container) {
	for i := range c.VolumeMounts {
		mount := &c.VolumeMounts[i]
		limits, ok := t.limits[mount.Name]
		if !ok {
			continue
		}
		if limits.readOnly {
			mount.ReadOnly = true
		}
		if limits.ofNode {
			t.limitNodeMount(c.Name, mount, limits)
		}
		if limits.subPath != "" {
			t.limitSubPath(c.Name, mount, limits)
		}
	}
	for _, device := range c.VolumeDevices {
		if limits := t.limits[device.Name]; limits.noDevices {
			t.refuse(RefusedVolumes, "container %s uses volume %s as a device, but the site gives only a part of it, or only to read ([offloading] %s)", c.Name, device.Name, limits.option)
		}
	}
}

// limitNodeMount makes sure that the mount of a folder of the node changes nothing there: not
// in what is mounted below the folder, and not by mounts of the container. The kubelet creates
// a subPath that is missing, also for a read-only mount.
func (t *translation) limitNodeMount(container string, mount *corev1.VolumeMount, limits mountLimits) {
	if own := cmp.Or(mount.SubPathExpr, mount.SubPath); own != "" {
		t.refuse(RefusedVolumes, "container %s mounts the folder %s of volume %s, but pods mount folders of nodes as a whole, since a subPath that is missing would be created on the node: leave subPath out ([offloading] host_paths)",
			container, own, mount.Name)
		return
	}
	asked, permitted := ptr.Deref(mount.MountPropagation, corev1.MountPropagationNone), corev1.MountPropagationNone
	if limits.slave && asked != corev1.MountPropagationNone {
		permitted = corev1.MountPropagationHostToContainer
	}
	if asked != permitted {
		t.warn(WarnVolumes, "the mount propagation %s of volume %s in container %s is %s in the remote cluster: that is what the site permits with folders of its nodes ([offloading] host_paths)",
			asked, mount.Name, container, permitted)
	}
	if permitted == corev1.MountPropagationNone {
		mount.MountPropagation, mount.RecursiveReadOnly = nil, ptr.To(corev1.RecursiveReadOnlyIfPossible)
	} else { // the API server accepts a recursive one only without propagation
		mount.MountPropagation, mount.RecursiveReadOnly = &permitted, nil
	}
}

// limitSubPath lets a mount see only the folder that the site gives the pod. A folder below it
// is refused by default: who can write into the given folder can make a symbolic link there
// that leads out of it, and the kubelet follows links within the volume.
func (t *translation) limitSubPath(container string, mount *corev1.VolumeMount, limits mountLimits) {
	own := cmp.Or(mount.SubPathExpr, mount.SubPath)
	switch {
	case own == "":
		mount.SubPath = limits.subPath
		return
	case !limits.userSubPaths:
		t.refuse(RefusedVolumes, "container %s mounts the folder %s of volume %s, but the site gives the folder %s as a whole: leave subPath out, or ask the site for userSubPaths ([offloading] claims)",
			container, own, mount.Name, limits.subPath)
		return
	case path.IsAbs(own) || slices.Contains(strings.Split(own, "/"), ".."):
		t.addProblem("container %s: the folder %s of volume %s must be relative, without ..", container, own, mount.Name)
		return
	}
	// The kubelet refuses a subPathExpr that becomes absolute or contains ".." when its variables are known.
	joined := limits.subPath + "/" + own
	if mount.SubPathExpr != "" {
		mount.SubPathExpr = joined
	} else {
		mount.SubPath = joined
	}
}
