package scope_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const uid = "92030190-ca03-4864-a97c-dabccaa67f8e"

func TestName(t *testing.T) {
	long := strings.Repeat("very-long-name.with.dots-", 10)
	for _, test := range []struct{ name, local, uid, want string }{
		{"short", "plain", uid, "plain-" + uid},
		{"dots are kept", "kube-root-ca.crt", uid, "kube-root-ca.crt-" + uid},
		{"the longest name without a hash", strings.Repeat("a", 25), uid, strings.Repeat("a", 25) + "-" + uid},
		{"one character more", strings.Repeat("a", 26), uid, "aaaaaaaaaaaaa-clf7tnu3hx37-" + uid},
		{"long", long, uid, "very-long-nam-hykpvlhyrptd-" + uid},
		{"upper case", "Plain", uid, "plain-dxs6p2jcfjgbq7hth5cw-" + uid},
		{"no name", "", uid, ""},
		{"a UID that is not a UUID", "plain", "42", ""},
		{"no name and no UID", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := scope.Scope{}.Name(test.local, test.uid)
			if test.want != "" && got != test.want {
				t.Errorf("Name(%q, %q) = %q, want %q", test.local, test.uid, got, test.want)
			}
			if problems := validation.IsDNS1123Subdomain(got); len(got) > 63 || len(problems) > 0 {
				t.Errorf("Name(%q, %q) = %q (%d characters): %v", test.local, test.uid, got, len(got), problems)
			}
		})
	}
}

// A user who knows the rules must not be able to choose a name that gives the remote
// name of another object.
func TestNameCannotBeForged(t *testing.T) {
	s := scope.Scope{}
	hashed := s.Name("a-name-that-is-much-too-long-to-stay-whole", uid)
	forged := strings.TrimSuffix(hashed, "-"+uid)
	if got := s.Name(forged, uid); got == hashed {
		t.Errorf("the name %q gives the hashed name of another object: %q", forged, got)
	}
	if a, b := s.Name("a-b", "c"), s.Name("a", "b-c"); a == b {
		t.Errorf("different names and UIDs give the same remote name %q", a)
	}
	if a, b := s.Name("projected/token", uid), s.Name("projected-token", uid); a == b {
		t.Errorf("names with different invalid characters give the same remote name %q", a)
	}
}

// A million names with long common prefixes give different, valid remote names that end
// in the UID.
func TestNamesAreUnique(t *testing.T) {
	const keys = 1_000_000
	random := rand.New(rand.NewPCG(1, 2))
	s := scope.Scope{}
	seen := make(map[string]struct{}, keys)
	prefixes := []string{
		"job-", strings.Repeat("shared-prefix-", 6), strings.Repeat("a", 240),
		"training.run.", strings.Repeat("x.y-", 20), "Workflow_Step_",
	}
	uids := []string{uid, "92030190-ca03-4864-a97c-dabccaa67f8f", "00000000-0000-0000-0000-000000000000"}
	for i := range keys {
		u := uids[i%len(uids)]
		if i%7 == 0 {
			u = fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", random.Uint32(), random.IntN(1<<16), random.IntN(1<<12), random.IntN(1<<12), i)
		}
		name := s.Name(fmt.Sprintf("%s%d", prefixes[random.IntN(len(prefixes))], i), u)
		if !isValid(name) || !strings.HasSuffix(name, "-"+u) {
			t.Fatalf("name %d gives the invalid remote name %q", i, name)
		}
		if _, duplicate := seen[name]; duplicate {
			t.Fatalf("name %d gives the remote name of an earlier one: %q", i, name)
		}
		seen[name] = struct{}{}
	}
}

// isValid checks a name against RFC 1123. It uses no regular expression, which would
// take most of the time for a million names; the other tests use the API server's check.
func isValid(name string) bool {
	if len(name) > 63 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	return true
}

func FuzzName(f *testing.F) {
	f.Add("plain", uid, "other", uid)
	f.Add("a-b", "c", "a", "b-c")
	f.Add("", "", ".", "-")
	f.Add("a"+strings.Repeat("é", 30), uid, strings.Repeat("-", 80), "UID")
	f.Fuzz(func(t *testing.T, name1, uid1, name2, uid2 string) {
		s := scope.Scope{}
		a, b := s.Name(name1, uid1), s.Name(name2, uid2)
		for _, name := range []string{a, b} {
			if problems := validation.IsDNS1123Subdomain(name); len(name) > 63 || len(problems) > 0 {
				t.Errorf("%q: %v", name, problems)
			}
		}
		same := name1 == name2 && uid1 == uid2
		if same != (a == b) {
			t.Errorf("(%q, %q) is %q, (%q, %q) is %q", name1, uid1, a, name2, uid2, b)
		}
	})
}

// The readable part of a name keeps each letter and digit.
func TestNameIsReadable(t *testing.T) {
	if got, want := (scope.Scope{}).Name("az09_AZ"+strings.Repeat("-", 80), uid), "az09-az-"; !strings.HasPrefix(got, want) {
		t.Errorf("the name is %q, want the prefix %q", got, want)
	}
}

func TestRemoteNamespace(t *testing.T) {
	prefixed := scope.Scope{Prefix: "offloading", Exclusions: []string{"shared"}}
	long := strings.Repeat("n", 63)
	for _, test := range []struct {
		name  string
		scope scope.Scope
		local string
		want  string
	}{
		{"prefixed", prefixed, "demo", "offloading-demo"},
		{"excluded", prefixed, "shared", "shared"},
		{"no prefix", scope.Scope{}, "demo", "demo"},
		{"single", scope.Scope{Prefix: "offloading", Namespace: "group-a"}, "demo", "group-a"},
		{"too long", prefixed, long, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.scope.RemoteNamespace(test.local)
			if test.want != "" && got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if problems := validation.IsDNS1123Label(got); len(problems) > 0 {
				t.Errorf("%q: %v", got, problems)
			}
		})
	}
	if a, b := prefixed.RemoteNamespace(long), prefixed.RemoteNamespace(long[:62]+"m"); a == b {
		t.Errorf("two long local namespaces give the same remote namespace %q", a)
	}
	// A name with a hash has 63 characters: no other name may have as many, or a local
	// namespace could be named like the remote one of another.
	exact := strings.Repeat("n", 63-len("offloading-"))
	if got := prefixed.RemoteNamespace(exact); got == "offloading-"+exact {
		t.Errorf("a remote namespace of 63 characters has no hash: %q", got)
	}
	if got := prefixed.RemoteNamespace(exact[1:]); got != "offloading-"+exact[1:] {
		t.Errorf("a remote namespace of 62 characters is %q", got)
	}
}

func TestMeta(t *testing.T) {
	s := scope.Scope{Prefix: "offloading", Instance: "site-a"}
	source := metav1.ObjectMeta{
		Name: "plain", Namespace: "demo", UID: types.UID(uid), ResourceVersion: "119", Generation: 1,
		GenerateName: "plain-", Finalizers: []string{"x/y"},
		OwnerReferences: []metav1.OwnerReference{{Kind: "Job", Name: "j"}},
		ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		Labels:          map[string]string{"app": "plain", wire.LabelPodUID: "forged", wire.LabelInstance: "forged"},
		Annotations: map[string]string{
			"note": "of the user", wire.AnnotationSourceName: "forged", "replicator.example.org/copy-to": "*",
		},
	}
	want := metav1.ObjectMeta{
		Name: "remote-name", Namespace: "offloading-demo",
		Labels: map[string]string{
			"interlink.io":                "offloading",
			"interlink.io/source.pod_uid": uid, "interlink.io/instance": "site-a",
		},
		Annotations: map[string]string{
			"interlink.io/source.uid":  uid,
			"interlink.io/source.name": "plain", "interlink.io/source.namespace": "demo",
		},
	}
	if diff := cmp.Diff(want, s.Meta(source, "remote-name", uid)); diff != "" {
		t.Errorf("metadata (-want +got)\n%s", diff)
	}
	delete(want.Labels, wire.LabelPodUID)
	if diff := cmp.Diff(want, s.Meta(source, "remote-name", "")); diff != "" {
		t.Errorf("metadata without a pod (-want +got)\n%s", diff)
	}
}

func TestTunnelNames(t *testing.T) {
	s := scope.Scope{}
	if got, want := s.ReleaseName(65535, uid), "bastion-65535-"+uid; got != want {
		t.Errorf("ReleaseName returns %q, want %q", got, want)
	}
	seen := map[string]string{}
	uids := []string{uid, "92030190-ca03-4864-a97c-dabccaa67f8f", "", "42", "4/2", "80-" + uid, uid + "x", strings.ToUpper(uid), strings.Repeat("u", 300)}
	for _, u := range uids {
		for _, port := range []int32{1, 80, 8080, 65535} {
			name := s.ReleaseName(port, u)
			key := fmt.Sprintf("port %d of %q", port, u)
			if problems := validation.IsDNS1123Label(name); len(problems) > 0 || len(name) > 53 {
				t.Errorf("the release for %s has the name %q (%d characters): %v", key, name, len(name), problems)
			}
			if other, duplicate := seen[name]; duplicate {
				t.Errorf("the releases for %s and for %s have the same name %q", key, other, name)
			}
			seen[name] = key
		}
		name := s.ServiceName(u)
		if problems := validation.IsDNS1035Label(name); len(problems) > 0 {
			t.Errorf("the Service of %q has the name %q: %v", u, name, problems)
		}
		if other, duplicate := seen[name]; duplicate {
			t.Errorf("the Service of %q has the same name as %s", u, other)
		}
		seen[name] = u
	}
}
