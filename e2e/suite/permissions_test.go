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
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// testPermissions reads the audit log of the remote API server, which has all
// requests of the plugin in the tests before. The permissions of
// manifests/rbac-*.yaml are sufficient, and all of them are used.
func testPermissions(t *testing.T) {
	path := os.Getenv("E2E_AUDIT_LOG")
	if path == "" {
		testkit.Skip(t, "E2E_AUDIT_LOG names no audit log of the remote API server")
	}
	if !ranAll() {
		t.Skip("the tests were selected with -run or -skip, so not every permission was used")
	}
	used, denied, err := readAuditLogs(path, testEnv.started)
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range denied {
		if !strings.Contains(request, ": list secrets in ") { // optional (manifests/rbac-orphan-secrets.yaml)
			t.Errorf("denied: %s", request)
		}
	}
	rbac := testEnv.remote.client.RbacV1()
	clusterWide, err := rbac.ClusterRoles().Get(testEnv.ctx, "interlink-plugin", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	singleNamespace, err := rbac.Roles("offloading").Get(testEnv.ctx, "interlink-plugin", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	services, err := rbac.ClusterRoles().Get(testEnv.ctx, "interlink-plugin-tcp-tunnel", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bastions, err := rbac.Roles("tcp-tunnel").Get(testEnv.ctx, "interlink-plugin-tcp-tunnel", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lease, err := rbac.Roles("interlink-plugin").Get(testEnv.ctx, "interlink-plugin-lease", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	template, err := rbac.ClusterRoles().Get(testEnv.ctx, "interlink-plugin-namespace-template", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for user, rules := range map[string][]rbacv1.PolicyRule{testEnv.clusterWide.user: slices.Concat(clusterWide.Rules, lease.Rules, services.Rules, bastions.Rules, template.Rules), testEnv.singleNamespace.user: singleNamespace.Rules} {
		granted := permissions(rules)
		for permission := range granted {
			if !used[user][permission] && !collectorIsFaster[permission] && !isPartOfApply(permission, used[user]) {
				t.Errorf("%s has the permission to %s, which no test used", user, permission)
			}
		}
		t.Logf("%s used %d of %d permissions", user, len(used[user]), len(granted))
	}
}

// collectorIsFaster are the permissions that a run may not use: the plugin deletes what a
// pod owned only if the garbage collector has not done so before.
var collectorIsFaster = map[string]bool{"delete configmaps": true, "delete secrets": true, "delete services": true}

// isPartOfApply reports whether a permission to create was used by a patch: server-side apply of an object that does not
// exist needs both, and the audit log has the patch.
func isPartOfApply(permission string, used map[string]bool) bool {
	resource, creates := strings.CutPrefix(permission, "create ")
	return creates && used["patch "+resource]
}

// ranAll reports whether this process runs all tests.
func ranAll() bool {
	return !slices.ContainsFunc(os.Args, func(arg string) bool {
		return strings.HasPrefix(arg, "-test.run=") || arg == "-test.run" || strings.HasPrefix(arg, "-test.skip")
	})
}

// permissions returns the permissions of rules, as "verb resource".
func permissions(rules []rbacv1.PolicyRule) map[string]bool {
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

// readAuditLogs returns the permissions that were used since a time, by user, and the
// requests of the plugin's accounts that were denied.
func readAuditLogs(path string, since time.Time) (used map[string]map[string]bool, denied []string, err error) {
	used = map[string]map[string]bool{testEnv.clusterWide.user: {}, testEnv.singleNamespace.user: {}}
	refused := map[string]bool{}
	err = readEvents(path, func(event *auditv1.Event) { count(event, since, used, refused) })
	return used, slices.Sorted(maps.Keys(refused)), err
}

// readEvents calls visit for each event of the audit log. The API server renames a log of 100 MB, and begins another
// one.
func readEvents(path string, visit func(*auditv1.Event)) error {
	files, err := filepath.Glob(strings.TrimSuffix(path, ".log") + "*.log")
	if err == nil && !slices.Contains(files, path) {
		err = fmt.Errorf("there is no audit log %s", path)
	}
	for _, file := range files {
		err = errors.Join(err, readEventsOf(file, visit))
	}
	return err
}

// readEventsOf calls visit for each event of one file.
func readEventsOf(path string, visit func(*auditv1.Event)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // the last line may not be complete yet
		}
		if err != nil {
			return err
		}
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			continue // the line was cut when the API server was killed
		}
		visit(&event)
	}
}

// permissionOf returns the permission that a request used, as "verb resource".
func permissionOf(event *auditv1.Event) string {
	permission := event.Verb + " " + event.ObjectRef.Resource
	if event.ObjectRef.Subresource != "" {
		permission += "/" + event.ObjectRef.Subresource
	}
	return permission
}

// count adds an event to the permissions that were used, or to the requests that were denied.
func count(event *auditv1.Event, since time.Time, used map[string]map[string]bool, refused map[string]bool) {
	ofUser, known := used[event.User.Username]
	if !known || event.ObjectRef == nil || event.RequestReceivedTimestamp.Time.Before(since) {
		return
	}
	permission := permissionOf(event)
	// The status code is not enough: admission also answers 403, for example for a namespace that is being deleted.
	if event.Annotations["authorization.k8s.io/decision"] == "forbid" {
		at := event.RequestReceivedTimestamp.Time
		if at.After(testEnv.restartStarted) && at.Before(testEnv.restartEnded) {
			return // an API server that has just started has not read the roles yet
		}
		refused[fmt.Sprintf("%s: %s in %q", event.User.Username, permission, event.ObjectRef.Namespace)] = true
		return
	}
	ofUser[permission] = true
}
