package scenario

import (
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
)

// File is one scenario file: the Scenario document and the manifests.
type File struct {
	// Name is metadata.name of the Scenario document, or else the name of the file
	// without its extension.
	Name string
	// Path is the path of the file.
	Path string
	Scenario

	// The manifests in the order of the file. The namespace is "default" if a manifest
	// has none.
	Pods       []corev1.Pod
	ConfigMaps []corev1.ConfigMap
	Secrets    []corev1.Secret
	Claims     []corev1.PersistentVolumeClaim

	index     atomic.Pointer[podIndex]
	leftKinds []string // of LeftKinds; nil means all
	// notCompared are the parts that Portable has removed.
	notCompared []string
}

// podIndex finds pods by their keys.
type podIndex struct {
	pods  int // the number of pods in the index
	named map[string]int
	byKey map[string]*corev1.Pod
}

// podIndex returns the index of the present pods.
func (f *File) podIndex() *podIndex {
	if x := f.index.Load(); x != nil && x.pods == len(f.Pods) {
		return x
	}
	x := &podIndex{pods: len(f.Pods), named: map[string]int{}, byKey: map[string]*corev1.Pod{}}
	for i := range f.Pods {
		x.named[f.Pods[i].Name]++
	}
	for i := range f.Pods {
		x.byKey[x.key(f.Pods[i].Namespace, f.Pods[i].Name)] = &f.Pods[i]
	}
	f.index.Store(x)
	return x
}

func (x *podIndex) key(namespace, name string) string {
	if x.named[name] > 1 {
		return namespace + "/" + name
	}
	return name
}

// Key returns the key of a pod in the scenario: its name, or namespace/name if
// several pods have this name.
func (f *File) Key(namespace, name string) string { return f.podIndex().key(namespace, name) }

// Pod returns the pod with this key, or nil.
func (f *File) Pod(key string) *corev1.Pod { return f.podIndex().byKey[key] }
