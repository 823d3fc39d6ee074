//go:build e2e

package suite

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// testRights reads what the plugin asked of the API server in all other tests: the
// rights of manifests/rbac-*.yaml are enough, and none is for
// nothing.
func testRights(t *testing.T) {
	path := os.Getenv("E2E_AUDIT_LOG")
	if path == "" {
		t.Skip("the remote API server's audit log was not named (E2E_AUDIT_LOG)")
	}
	if !ranAll() {
		t.Skip("not all tests were run, so not every right was used")
	}
	asked, denied, err := readAudit(path, stage.began)
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range denied {
		t.Errorf("denied: %s", request)
	}
	rbac := stage.remote.client.RbacV1()
	all, err := rbac.ClusterRoles().Get(stage.ctx, "interlink-plugin", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	scoped, err := rbac.Roles("offloading").Get(stage.ctx, "interlink-plugin", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	services, err := rbac.ClusterRoles().Get(stage.ctx, "interlink-plugin-tcp-tunnel", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bastions, err := rbac.Roles("tcp-tunnel").Get(stage.ctx, "interlink-plugin-tcp-tunnel", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for user, rules := range map[string][]rbacv1.PolicyRule{stage.all.user: slices.Concat(all.Rules, services.Rules, bastions.Rules), stage.scoped.user: scoped.Rules} {
		granted := rights(rules)
		for right := range granted {
			if !asked[user][right] {
				t.Errorf("%s may %s, which no test needed", user, right)
			}
		}
		t.Logf("%s used %d of %d rights", user, len(asked[user]), len(granted))
	}
}

// ranAll says whether this process was to run all tests.
func ranAll() bool {
	return !slices.ContainsFunc(os.Args, func(arg string) bool {
		return strings.HasPrefix(arg, "-test.run=") || arg == "-test.run" || strings.HasPrefix(arg, "-test.skip")
	})
}

// rights are those of rules, as "verb resource".
func rights(rules []rbacv1.PolicyRule) map[string]bool {
	found := map[string]bool{}
	for _, rule := range rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				found[verb+" "+resource] = true
			}
		}
	}
	return found
}

// readAudit collects by user what was asked for and permitted since a time, and
// the requests of the plugin's accounts that were denied.
func readAudit(path string, since time.Time) (asked map[string]map[string]bool, denied []string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	asked = map[string]map[string]bool{stage.all.user: {}, stage.scoped.user: {}}
	refused := map[string]bool{}
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return asked, slices.Sorted(maps.Keys(refused)), nil // a line that is not yet whole is a later test's
		}
		if err != nil {
			return nil, nil, err
		}
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			continue // cut off as the API server was killed
		}
		used, ours := asked[event.User.Username]
		if !ours || event.ObjectRef == nil || event.RequestReceivedTimestamp.Time.Before(since) {
			continue
		}
		right := event.Verb + " " + event.ObjectRef.Resource
		if event.ObjectRef.Subresource != "" {
			right += "/" + event.ObjectRef.Subresource
		}
		// Not the status: admission answers 403 too, as for a namespace that is on its way out.
		if event.Annotations["authorization.k8s.io/decision"] == "forbid" {
			at := event.RequestReceivedTimestamp.Time
			if at.After(stage.restartBegan) && at.Before(stage.restartEnded) {
				continue // an API server that has just started knows no roles for a moment
			}
			refused[fmt.Sprintf("%s: %s in %q", event.User.Username, right, event.ObjectRef.Namespace)] = true
			continue
		}
		used[right] = true
	}
}
