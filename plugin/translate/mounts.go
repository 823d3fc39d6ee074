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
	// ofNode is true for a folder of the node.
	ofNode bool
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
			t.limitNodeMount(c.Name, mount)
		}
		if limits.subPath != "" {
			t.limitSubPath(c.Name, mount, limits)
		}
	}
	for _, device := range c.VolumeDevices {
		if limits := t.limits[device.Name]; limits.noDevices {
			t.refuse("container %s uses volume %s as a device, but the site gives only a part of it, or only to read ([offloading] %s)", c.Name, device.Name, limits.option)
		}
	}
}

// limitNodeMount makes sure that the mount of a folder of the node changes nothing there: not
// in what is mounted below the folder, and not by mounts of the container.
func (t *translation) limitNodeMount(container string, mount *corev1.VolumeMount) {
	switch propagation := ptr.Deref(mount.MountPropagation, corev1.MountPropagationNone); propagation {
	case corev1.MountPropagationNone:
		mount.RecursiveReadOnly = ptr.To(corev1.RecursiveReadOnlyIfPossible)
	case corev1.MountPropagationHostToContainer: // programs that mount on demand need it
		mount.RecursiveReadOnly = nil
	default:
		t.warn("the mount propagation %s of volume %s in container %s is HostToContainer in the remote cluster: pods can only read folders of nodes", propagation, mount.Name, container)
		mount.MountPropagation, mount.RecursiveReadOnly = ptr.To(corev1.MountPropagationHostToContainer), nil
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
		t.refuse("container %s mounts the folder %s of volume %s, but the site gives the folder %s as a whole: leave subPath out, or ask the site for userSubPaths ([offloading] claims)",
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
