package inspect

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/podspec"
)

// File is what a container finds at a path.
type File struct {
	Content []byte
	// Mode are the permission bits.
	Mode int32
}

// tokenFile is what a token's file holds here: a real one comes of the API server.
const tokenFile = "token"

// Files are those that a kubelet mounts into a container from ConfigMaps, Secrets,
// fields and tokens, by absolute path; emptyDirs and claims are empty, and so are
// here all other kinds of volume. A token's file holds the word "token". An error
// says what is missing and not optional, so that the pod cannot start:
// https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath
// A mount hides what others have below its path.
func (s *Snapshot) Files(pod *corev1.Pod, name string) (map[string]File, error) {
	c, err := container(pod, name)
	if err != nil {
		return nil, err
	}
	files := map[string]File{}
	// Runtimes mount what is less deep first.
	mounts := slices.Clone(c.VolumeMounts)
	slices.SortStableFunc(mounts, func(a, b corev1.VolumeMount) int {
		return cmp.Compare(depth(a.MountPath), depth(b.MountPath))
	})
	for _, mount := range mounts {
		volume, err := s.volume(pod, c, mount.Name)
		if err != nil {
			return nil, fmt.Errorf("volume %s: %w", mount.Name, err)
		}
		sub, err := s.subPath(pod, name, mount)
		if err != nil {
			return nil, fmt.Errorf("mount %s: %w", mount.MountPath, err)
		}
		at := absolute(mount.MountPath)
		maps.DeleteFunc(files, func(file string, _ File) bool {
			return strings.HasPrefix(file, strings.TrimSuffix(at, "/")+"/")
		})
		for file, content := range volume {
			switch below, inside := strings.CutPrefix(file, sub+"/"); {
			case sub == ".":
				files[path.Join(at, file)] = content
			case file == sub:
				files[at] = content
			case inside:
				files[path.Join(at, below)] = content
			}
		}
	}
	return files, nil
}

// subPath is the part of the volume that is mounted, "." for all of it. Variables
// in it must have a value, and it must stay in the volume, else the container
// cannot be created: https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath-expanded-environment
func (s *Snapshot) subPath(pod *corev1.Pod, container string, mount corev1.VolumeMount) (string, error) {
	sub := mount.SubPath
	if mount.SubPathExpr != "" {
		env, err := s.Env(pod, container)
		if err != nil {
			return "", err
		}
		if without := podspec.MissingVariable(mount.SubPathExpr, env); without != "" {
			return "", fmt.Errorf("the variable %s of its subPathExpr has no value", without)
		}
		sub = podspec.Expand(mount.SubPathExpr, env)
	}
	if path.IsAbs(sub) || slices.Contains(strings.Split(sub, "/"), "..") {
		return "", fmt.Errorf("the subPath %s leaves the volume", sub)
	}
	return path.Clean(sub), nil
}

func absolute(mountPath string) string { return path.Join("/", mountPath) }

func depth(mountPath string) int {
	return len(strings.FieldsFunc(mountPath, func(r rune) bool { return r == '/' }))
}

// volume is a volume's files by their paths in it.
func (s *Snapshot) volume(pod *corev1.Pod, c *corev1.Container, name string) (map[string]File, error) {
	for _, v := range pod.Spec.Volumes {
		if v.Name != name {
			continue
		}
		switch {
		case v.ConfigMap != nil:
			return s.configMapFiles(pod, v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.DefaultMode, v.ConfigMap.Optional)
		case v.Secret != nil:
			return s.secretFiles(pod, v.Secret.SecretName, v.Secret.Items, v.Secret.DefaultMode, v.Secret.Optional)
		case v.DownwardAPI != nil:
			return fieldFiles(pod, c, v.DownwardAPI.Items, v.DownwardAPI.DefaultMode)
		case v.Projected != nil:
			return s.projectedFiles(pod, c, v.Projected)
		}
		return nil, nil
	}
	return nil, fmt.Errorf("the remote pod %s has no such volume", pod.Name)
}

func (s *Snapshot) configMapFiles(pod *corev1.Pod, name string, items []corev1.KeyToPath, mode *int32, optional *bool) (map[string]File, error) {
	object := s.configMap(pod.Namespace, name)
	if object == nil {
		return nil, missing("ConfigMap", name, "", optional)
	}
	data := map[string][]byte{}
	for key, value := range object.Data {
		data[key] = []byte(value)
	}
	for key, value := range object.BinaryData {
		data[key] = value
	}
	return keyFiles("ConfigMap", name, data, items, mode, optional)
}

func (s *Snapshot) secretFiles(pod *corev1.Pod, name string, items []corev1.KeyToPath, mode *int32, optional *bool) (map[string]File, error) {
	object := s.secret(pod.Namespace, name)
	if object == nil {
		return nil, missing("Secret", name, "", optional)
	}
	return keyFiles("Secret", name, object.Data, items, mode, optional)
}

// keyFiles are the items, or where there are none all keys.
func keyFiles(kind, name string, data map[string][]byte, items []corev1.KeyToPath, mode *int32, optional *bool) (map[string]File, error) {
	files := map[string]File{}
	if len(items) == 0 {
		for key, value := range data {
			files[key] = File{value, modeOf(nil, mode)}
		}
		return files, nil
	}
	for _, item := range items {
		value, found := data[item.Key]
		if !found {
			if err := missing(kind, name, item.Key, optional); err != nil {
				return nil, err
			}
			continue
		}
		files[path.Clean(item.Path)] = File{value, modeOf(item.Mode, mode)}
	}
	return files, nil
}

func fieldFiles(pod *corev1.Pod, c *corev1.Container, items []corev1.DownwardAPIVolumeFile, mode *int32) (map[string]File, error) {
	files := map[string]File{}
	for _, item := range items {
		var value string
		var err error
		switch {
		case item.FieldRef != nil:
			value, err = podspec.Field(pod, item.FieldRef.FieldPath)
		case item.ResourceFieldRef != nil:
			value, err = podspec.Resource(pod, c, item.ResourceFieldRef)
		}
		if err != nil {
			return nil, err
		}
		files[path.Clean(item.Path)] = File{[]byte(value), modeOf(item.Mode, mode)}
	}
	return files, nil
}

func (s *Snapshot) projectedFiles(pod *corev1.Pod, c *corev1.Container, volume *corev1.ProjectedVolumeSource) (map[string]File, error) {
	files := map[string]File{}
	for _, source := range volume.Sources {
		var some map[string]File
		var err error
		switch {
		case source.ConfigMap != nil:
			some, err = s.configMapFiles(pod, source.ConfigMap.Name, source.ConfigMap.Items, volume.DefaultMode, source.ConfigMap.Optional)
		case source.Secret != nil:
			some, err = s.secretFiles(pod, source.Secret.Name, source.Secret.Items, volume.DefaultMode, source.Secret.Optional)
		case source.DownwardAPI != nil:
			some, err = fieldFiles(pod, c, source.DownwardAPI.Items, volume.DefaultMode)
		case source.ServiceAccountToken != nil:
			some = map[string]File{path.Clean(source.ServiceAccountToken.Path): {[]byte(tokenFile), modeOf(nil, volume.DefaultMode)}}
		}
		if err != nil {
			return nil, err
		}
		for file, content := range some {
			files[file] = content
		}
	}
	return files, nil
}

func modeOf(item, volume *int32) int32 {
	if item != nil {
		return *item
	}
	return ptr.Deref(volume, 0o644)
}
