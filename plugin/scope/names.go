package scope

import (
	"crypto/sha512"
	"encoding/base32"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Scope holds the configuration that decides where a local object goes.
type Scope struct {
	// Prefix is put, with a dash, before the name of a local namespace. Empty
	// means that namespaces keep their names.
	Prefix string
	// Exclusions are local namespaces that keep their names.
	Exclusions []string
	// Namespace, when set, is the one remote namespace that everything goes to.
	Namespace string
	// Instance names the plugin installation.
	Instance string
}

// maxName is the length of an RFC 1123 label. Names of pods may be longer, but
// a pod's name is its hostname, and a longer one is cut there.
const maxName = 63

// hashLength is the number of base-32 characters of a hash in a cut name: 60
// bits, so that a million names under one UID collide with a probability of
// less than one in a million.
const hashLength = 12

var (
	base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	canonical   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	subdomain   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

// Name returns the remote name of a local object of the pod with the given UID:
// "<name>-<uid>" where that is a valid name short enough, else as much of the
// name as fits, a hash of the whole key, and the UID whole.
//
// Two different keys have different names. A plain name is always shorter than
// 63 characters and a hashed one always 63 long, so that no name, however it is
// chosen, can equal the hashed form of another.
func (s Scope) Name(local, uid string) string {
	plain := local + "-" + uid
	if len(plain) < maxName && canonical.MatchString(uid) && subdomain.MatchString(local) {
		return plain
	}
	return hashed(local, uid)
}

// hashed returns "<readable>-<hash>-<uid>" with exactly 63 characters: the hash
// takes what a short readable part leaves. A UID that is no UUID (those come
// from people with curl) is cut like a name; the hash keeps it apart.
func hashed(local, uid string) string {
	tail := readable(uid, 36)
	if tail != "" {
		tail = "-" + tail
	}
	// The length in the key keeps the border of name and UID.
	return cut(local, maxName-len(tail), strconv.Itoa(len(local))+":"+local+uid) + tail
}

// cut returns as much of name as is readable and a hash of key, together
// exactly length characters.
func cut(name string, length int, key string) string {
	head := readable(name, length-len("-")-hashLength)
	if head != "" {
		head += "-"
	}
	sum := sha512.Sum512([]byte(key)) // 103 characters in base 32: enough for any length
	return head + base32Lower.EncodeToString(sum[:])[:length-len(head)]
}

// readable cuts what people should recognise out of a name: lower case, runs of
// other characters as one dash, none at either end, at most limit long.
func readable(name string, limit int) string {
	cut := make([]byte, 0, limit)
	for i := 0; i < len(name) && len(cut) < limit; i++ {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			cut = append(cut, c)
		case len(cut) > 0 && cut[len(cut)-1] != '-':
			cut = append(cut, '-')
		}
	}
	return strings.TrimRight(string(cut), "-")
}

// RemoteNamespace returns the remote namespace for a local one: the single
// namespace when one is configured, the same name when it is excluded from
// prefixing, "<prefix>-<namespace>" otherwise. One that would be longer than 63
// characters is cut and carries a hash of the local name.
func (s Scope) RemoteNamespace(local string) string {
	switch {
	case s.Namespace != "":
		return s.Namespace
	case s.Prefix == "" || slices.Contains(s.Exclusions, local):
		return local
	}
	plain := s.Prefix + "-" + local
	if len(plain) < maxName {
		return plain
	}
	return cut(plain, maxName, plain)
}

// ReleaseName returns the name of what exposes one TCP port of the local pod of a
// UID: a Helm release, whose name may have 53 characters. No two are alike: a UID
// that is no UUID is cut and hashed to a length that no UUID has.
func (s Scope) ReleaseName(port int32, uid string) string {
	return "bastion-" + strconv.Itoa(int(port)) + "-" + short(uid)
}

// ServiceName returns the name of the Service that all exposed ports of a pod are
// reached by. It begins with a letter and has no dot, as a Service's must.
func (s Scope) ServiceName(uid string) string {
	return "bastion-" + short(uid)
}

func short(uid string) string {
	if canonical.MatchString(uid) {
		return uid
	}
	return cut(uid, len("92030190-ca03-4864-a97c-dabccaa67f8e")+1, uid)
}
