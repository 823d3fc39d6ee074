package scope

import (
	"crypto/sha512"
	"encoding/base32"
	"regexp"
	"strconv"
	"strings"
)

// Scope is the configuration that decides the remote namespace and labels of an object.
type Scope struct {
	// Prefix and a dash are added before the name of a local namespace. With an empty
	// prefix, namespaces keep their names.
	Prefix string
	// Exclusions are local namespaces that keep their names.
	Exclusions []string
	// Namespace is the single remote namespace of all objects; empty if there are many.
	Namespace string
	// Instance names the plugin installation.
	Instance string
}

// maxName is the length of an RFC 1123 label. The name of a pod may be longer, but it is
// also the hostname of the pod, which the kubelet cuts to this length.
const maxName = 63

// hashLength is the number of base-32 characters of a hash in a cut name. These are 60
// bits: a million names with the same UID have a collision with a probability of less
// than one in a million.
const hashLength = 12

var (
	base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	uuid        = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	subdomain   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

// Name returns the remote name of a local object of the pod with the given UID. It is
// "<name>-<uid>" if that is a valid name with less than 63 characters. Otherwise it is
// the beginning of the name, a hash of name and UID, and the UID.
//
// Different names or UIDs give different remote names. A name without a hash always has
// less than 63 characters, and a name with a hash always has 63. So a user cannot choose
// a name that is equal to the hashed name of another object.
func (s Scope) Name(local, uid string) string {
	plain := local + "-" + uid
	if len(plain) < maxName && uuid.MatchString(uid) && subdomain.MatchString(local) {
		return plain
	}
	return hashedName(local, uid)
}

// hashedName returns "<readable>-<hash>-<uid>" with exactly 63 characters: if the
// readable part is short, the hash is longer. A UID that is not a UUID, such as one from
// a test with curl, is cut like a name; the hash makes the result unique.
func hashedName(local, uid string) string {
	tail := readable(uid, 36)
	if tail != "" {
		tail = "-" + tail
	}
	// With the length in the key, ("a-b", "c") and ("a", "b-c") have different hashes.
	return cutAndHash(local, maxName-len(tail), strconv.Itoa(len(local))+":"+local+uid) + tail
}

// cutAndHash returns the readable beginning of name and a hash of key, with exactly
// length characters in total.
func cutAndHash(name string, length int, key string) string {
	head := readable(name, length-len("-")-hashLength)
	if head != "" {
		head += "-"
	}
	sum := sha512.Sum512([]byte(key)) // 103 characters in base 32, enough for every length
	return head + base32Lower.EncodeToString(sum[:])[:length-len(head)]
}

// readable returns the beginning of a name in lower case, with at most limit characters.
// Each sequence of other characters becomes one dash, and there is no dash at either
// end.
func readable(name string, limit int) string {
	short := make([]byte, 0, limit)
	for i := 0; i < len(name) && len(short) < limit; i++ {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			short = append(short, c)
		case len(short) > 0 && short[len(short)-1] != '-':
			short = append(short, '-')
		}
	}
	return strings.TrimRight(string(short), "-")
}

// ReleaseName returns the name of the Helm release that exposes one TCP port of the
// local pod with a UID. The name of a release has at most 53 characters. Different ports
// or UIDs give different names: a UID that is not a UUID is cut and hashed to a length
// that no UUID has.
func (s Scope) ReleaseName(port int32, uid string) string {
	return "bastion-" + strconv.Itoa(int(port)) + "-" + shortUID(uid)
}

// ServiceName returns the name of the Service for all exposed ports of a pod. It begins
// with a letter and has no dot, as the API server requires for a Service.
func (s Scope) ServiceName(uid string) string {
	return "bastion-" + shortUID(uid)
}

// shortUID returns a UID with at most 37 characters.
func shortUID(uid string) string {
	if uuid.MatchString(uid) {
		return uid
	}
	return cutAndHash(uid, len("92030190-ca03-4864-a97c-dabccaa67f8e")+1, uid)
}

// LeaseName returns the name of the Lease of this installation. Instances with different
// names have different Leases.
func (s Scope) LeaseName() string {
	name := "interlink-kubernetes-plugin-" + s.Instance
	if subdomain.MatchString(name) && len(name) < maxLease {
		return name
	}
	return cutAndHash(name, maxLease, s.Instance)
}

// LedgerName returns the name of the ConfigMap with the used resources of this installation. Instances
// with different names have different ones.
func (s Scope) LedgerName() string {
	name := "interlink-kubernetes-plugin-usage-" + s.Instance
	if subdomain.MatchString(name) && len(name) < maxLease {
		return name
	}
	return cutAndHash(name, maxLease, "usage/"+s.Instance)
}

// maxLease is the length of a name of a Lease with a hash. No name without a hash is as
// long: an instance has at most 63 characters.
const maxLease = 100

// MeshSecretName returns the name of the Secret with the files of the container that InterLink's mesh or tunnel adds to a
// pod. A local Secret cannot have this name, because its own has no slash.
func (s Scope) MeshSecretName(uid string) string { return s.Name("mesh/setup", uid) }
