package scope_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

// Two local namespaces of one installation never have the same remote namespace, whatever
// the prefix and the exclusions are. Names are made of few parts, so that a name often is
// another one with a prefix.
func TestRemoteNamespacesAreUnique(t *testing.T) {
	random := rand.New(rand.NewPCG(16, 2))
	parts := []string{"a", "b", "kube", "offloading", strings.Repeat("n", 20), strings.Repeat("n", 31)}
	name := func(most int) string {
		chosen := make([]string, 1+random.IntN(most))
		for i := range chosen {
			chosen[i] = parts[random.IntN(len(parts))]
		}
		joined := strings.Join(chosen, "-")
		return strings.TrimRight(joined[:min(len(joined), 63)], "-")
	}
	for range 2000 {
		s := scope.Scope{Prefix: name(2)}
		if random.IntN(8) == 0 {
			s.Prefix = ""
		}
		for range random.IntN(4) {
			s.Exclusions = append(s.Exclusions, name(4))
		}
		seen := map[string]string{} // local by remote
		for range 40 {
			local := name(4)
			remote := s.RemoteNamespace(local)
			if other, ok := seen[remote]; ok && other != local {
				t.Fatalf("%+v: the namespaces %s and %s both have the remote namespace %s", s, local, other, remote)
			}
			if problems := validation.IsDNS1123Label(remote); len(problems) > 0 {
				t.Fatalf("%+v: %s has the remote namespace %q: %v", s, local, remote, problems)
			}
			seen[remote] = local
		}
	}
}

// The exclusion offloading-demo keeps its name, so demo cannot have it.
func TestRemoteNamespaceIsNotThatOfAnExclusion(t *testing.T) {
	s := scope.Scope{Prefix: "offloading", Exclusions: []string{"offloading-demo"}}
	if got := s.RemoteNamespace("offloading-demo"); got != "offloading-demo" {
		t.Errorf("the excluded namespace is %s", got)
	}
	if got := s.RemoteNamespace("demo"); got == "offloading-demo" || !strings.HasPrefix(got, "offloading-demo-") || len(got) != 63 {
		t.Errorf("the remote namespace of demo is %s", got)
	}
}
