package translate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

const (
	kindConfigMap = "ConfigMap"
	kindSecret    = "Secret"
)

// reference is a place in the spec of the remote pod that names a ConfigMap or Secret.
type reference struct {
	user string // what refers to the object, in words for a message
	kind string
	name *string
	// keys are the keys of the object that the place names; empty: all keys.
	keys     []string
	optional **bool
}

// isOptional reports whether the pod may start without the object.
func (r reference) isOptional() bool { return ptr.Deref(*r.optional, false) }

// translateReference replaces the local name of an object by its remote name.
//
// A reference to an object in the request is no longer optional: the object may appear
// after the remote pod, and the kubelet waits only for what is not optional. But a
// reference to a key that the object does not have stays optional, since the kubelet
// would wait for ever.
//
// It adds a problem if InterLink did not send the object and the reference is not
// optional, since the remote pod could never start.
func (t *translation) translateReference(r reference) {
	keys, sent := t.sent.keys(r.kind, *r.name)
	switch {
	case !sent && !r.isOptional():
		t.addProblem("%s needs %s %s, which InterLink did not send (does it exist in namespace %s?)",
			r.user, r.kind, *r.name, t.pod.Namespace)
		return
	case sent && !slices.ContainsFunc(r.keys, func(key string) bool { return !keys[key] }):
		*r.optional = nil
	}
	*r.name = t.name(*r.name)
}

// itemKeys returns the keys that the items of a volume source name.
func itemKeys(items []corev1.KeyToPath) []string {
	var keys []string
	for _, item := range items {
		keys = append(keys, item.Key)
	}
	return keys
}
