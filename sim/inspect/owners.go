package inspect

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ownership is who keeps an object alive.
type ownership int

const (
	free      ownership = iota // nobody: only a client deletes it
	owned                      // an owner that exists, or that is not a pod of the snapshot
	abandoned                  // owners that are gone: the garbage collector is about to delete it
)

// ownershipOf returns who keeps an object of the snapshot alive.
func (s *Snapshot) ownershipOf(object metav1.Object) ownership {
	references := object.GetOwnerReferences()
	if len(references) == 0 {
		return free
	}
	for _, owner := range references {
		if owner.Kind != "Pod" || slices.ContainsFunc(s.podUIDs(), func(uid string) bool { return uid == string(owner.UID) }) {
			return owned
		}
	}
	return abandoned
}

func (s *Snapshot) podUIDs() []string {
	var uids []string
	for i := range s.Pods {
		uids = append(uids, string(s.Pods[i].UID))
	}
	return uids
}

// dependents returns the ConfigMaps, Secrets and Services of the snapshot by kind.
func (s *Snapshot) dependents(kind string) []metav1.Object {
	var all []metav1.Object
	switch kind {
	case "ConfigMap":
		for i := range s.ConfigMaps {
			all = append(all, &s.ConfigMaps[i])
		}
	case "Secret":
		for i := range s.Secrets {
			all = append(all, &s.Secrets[i])
		}
	case "Service":
		for i := range s.Services {
			all = append(all, &s.Services[i])
		}
	}
	return all
}

// Abandoned reports whether the garbage collector of the remote cluster has something
// to delete: an object whose owners are gone.
func (s *Snapshot) Abandoned() bool {
	for _, kind := range []string{"ConfigMap", "Secret", "Service"} {
		if slices.ContainsFunc(s.dependents(kind), func(o metav1.Object) bool { return s.ownershipOf(o) == abandoned }) {
			return true
		}
	}
	return false
}

// LeftNames returns the same as Names, and says of the objects that a pod can own
// whether one does: it explains why an object is left after its pod is gone.
func (s *Snapshot) LeftNames(kind string) []string {
	objects := s.dependents(kind)
	if len(objects) == 0 {
		return s.Names(kind)
	}
	var all []string
	for _, object := range objects {
		name := object.GetNamespace() + "/" + object.GetName()
		switch s.ownershipOf(object) {
		case free:
			name += " (it has no owner)"
		case abandoned:
			name += " (its owner is gone, and the garbage collector has not deleted it)"
		}
		all = append(all, name)
	}
	return all
}
