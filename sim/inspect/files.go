package inspect

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// File is a file that a container finds at a path.
type File struct {
	Content []byte
	// Mode holds the permission bits.
	Mode int32
}

// Files returns the files that a kubelet mounts into a container from ConfigMaps,
// Secrets, pod fields and tokens; the keys are absolute paths. Volumes of all other
// kinds are empty. The file of a token contains the word "token". An error means that
// the pod cannot start, because a source is missing that is not optional.
// A mount hides the files that other mounts have under its path.
func (s *Snapshot) Files(pod *corev1.Pod, containerName string) (map[string]File, error) {
	c, err := findContainer(pod, containerName)
	if err != nil {
		return nil, err
	}
	files := map[string]File{}
	// A container runtime mounts the paths with fewer elements first.
	mounts := slices.Clone(c.VolumeMounts)
	slices.SortStableFunc(mounts, func(a, b corev1.VolumeMount) int {
		return cmp.Compare(elements(a.MountPath), elements(b.MountPath))
	})
	for _, mount := range mounts {
		volume, err := s.volume(pod, c, mount.Name)
		if err != nil {
			return nil, fmt.Errorf("volume %s: %w", mount.Name, err)
		}
		subPath, err := s.subPath(pod, containerName, mount)
		if err != nil {
			return nil, fmt.Errorf("mount %s: %w", mount.MountPath, err)
		}
		mountPath := path.Join("/", mount.MountPath)
		maps.DeleteFunc(files, func(file string, _ File) bool {
			return strings.HasPrefix(file, strings.TrimSuffix(mountPath, "/")+"/")
		})
		for name, file := range volume {
			switch rest, inside := strings.CutPrefix(name, subPath+"/"); {
			case subPath == ".":
				files[path.Join(mountPath, name)] = file
			case name == subPath:
				files[mountPath] = file
			case inside:
				files[path.Join(mountPath, rest)] = file
			}
		}
	}
	return files, nil
}

// elements returns the number of elements of a path.
func elements(mountPath string) int {
	return len(strings.FieldsFunc(mountPath, func(r rune) bool { return r == '/' }))
}

// subPath returns the part of the volume that is mounted, "." for the whole volume.
// The container cannot be created if a variable of subPathExpr has no value, or if the
// path leaves the volume:
// https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath-expanded-environment
func (s *Snapshot) subPath(pod *corev1.Pod, containerName string, mount corev1.VolumeMount) (string, error) {
	subPath := mount.SubPath
	if mount.SubPathExpr != "" {
		env, err := s.Env(pod, containerName)
		if err != nil {
			return "", err
		}
		if missing := podspec.MissingVariable(mount.SubPathExpr, env); missing != "" {
			return "", fmt.Errorf("the variable %s of its subPathExpr has no value", missing)
		}
		subPath = podspec.Expand(mount.SubPathExpr, env)
	}
	if path.IsAbs(subPath) || slices.Contains(strings.Split(subPath, "/"), "..") {
		return "", fmt.Errorf("the subPath %s leaves the volume", subPath)
	}
	return path.Clean(subPath), nil
}
