package inspect

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// LocalPods is a set of local pods' UIDs. It finds the local pod of a remote object: a
// label or an annotation has its UID as value, or the name of the object or of one of its
// owners contains it.
type LocalPods map[types.UID]bool

// NewLocalPods returns the set of these UIDs. It ignores an empty UID, because every
// name contains it and empty labels are common.
func NewLocalPods(uids []types.UID) LocalPods {
	p := LocalPods{}
	for _, uid := range uids {
		if uid != "" {
			p[uid] = true
		}
	}
	return p
}

// UIDOf returns the UID of the object's local pod, and false if it is not in the set.
func (p LocalPods) UIDOf(object metav1.Object) (types.UID, bool) {
	for _, values := range []map[string]string{object.GetLabels(), object.GetAnnotations()} {
		for _, value := range values {
			if uid := types.UID(value); p[uid] {
				return uid, true
			}
		}
	}
	names := []string{object.GetName()}
	for _, owner := range object.GetOwnerReferences() { // a Service that several pods share
		names = append(names, owner.Name)
	}
	for _, name := range names {
		for uid := range p {
			if strings.Contains(name, string(uid)) {
				return uid, true
			}
		}
	}
	return "", false
}

// IsTunnel reports whether an object is part of a tunnel. Such an object contains the
// UID of a local pod, but it is not the copy of a local object.
func IsTunnel(object metav1.Object) bool { return object.GetLabels()[wire.LabelTunnelUID] != "" }
