package scope_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

// The names of the Lease and of the ledger are valid, and those of one instance only.
func TestNamesOfAnInstance(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	for want, of := range map[string]func(scope.Scope) string{
		"interlink-kubernetes-plugin-site-a": scope.Scope.LeaseName, "interlink-kubernetes-plugin-usage-site-a": scope.Scope.LedgerName,
	} {
		if got := of(scope.Scope{Instance: "site-a"}); got != want {
			t.Errorf("the name is %q, want %q", got, want)
		}
		seen := map[string]string{}
		for _, instance := range []string{
			"site-a", "Site-a", "site_a", "site.a", "site-a.", "site-A", strings.Repeat("x", 63), strings.Repeat("x", 62) + "X", strings.Repeat("x", 90), strings.Repeat("x", 91),
		} {
			name := of(scope.Scope{Instance: instance})
			if !valid.MatchString(name) || len(name) > 100 {
				t.Errorf("instance %q has the name %q, which is not valid", instance, name)
			}
			if other, ok := seen[name]; ok {
				t.Errorf("instances %q and %q have the name %q", instance, other, name)
			}
			seen[name] = instance
		}
	}
}
