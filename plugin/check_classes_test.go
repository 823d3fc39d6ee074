package plugin_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// classesConfig names classes of each kind in each option that can.
func classesConfig() config.Config {
	cfg := config.Defaults()
	o := &cfg.Offloading
	o.OrphanGrace = 0
	o.RuntimeClass, o.PriorityClass = "check-runc", "check-low"
	o.Placement = `[{"runtimeClass":"check-nvidia"},{"priorityClass":"check-high"},{"runtimeClass":""}]`
	o.PlacementAllowed = []config.PlacementValue{
		{Field: "runtimeClass", Value: "check-nvidia"}, {Field: "priorityClass", Value: "check-team-*"}, {Field: "scheduler", Value: "other"},
		{Field: "runtimeClass", Value: "check-gpu-?"}, {Field: "runtimeClass", Value: "check-[ab]"}, {Field: "priorityClass", Value: `check\-low`},
	}
	o.StorageClasses = map[string]string{"*": "check-ssd", "slow": "check-hdd"}
	o.Claims = `[{"create":{"storage":"1Gi","storageClassName":"check-ssd"}},{"remote":"shared"}]`
	return cfg
}

// createClasses creates the classes of classesConfig.
func createClasses(t *testing.T, server *apiserver.Server) {
	t.Helper()
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
	for _, name := range []string{"check-runc", "check-nvidia"} {
		if _, err := server.Client.NodeV1().RuntimeClasses().Create(t.Context(), &nodev1.RuntimeClass{ObjectMeta: named(name), Handler: "h"}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"check-low", "check-high"} {
		if _, err := server.Client.SchedulingV1().PriorityClasses().Create(t.Context(), &schedulingv1.PriorityClass{ObjectMeta: named(name), Value: 1}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"check-ssd", "check-hdd"} {
		if _, err := server.Client.StorageV1().StorageClasses().Create(t.Context(), &storagev1.StorageClass{ObjectMeta: named(name), Provisioner: "p"}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// Check names each class of the configuration that does not exist, and fails; then pods with it would.
// It does not fail for a storage class: static volumes can have one that is no object.
func TestCheckLooksForClasses(t *testing.T) {
	server := apiserver.ForTest(t)
	permissions := plugin.RequiredPermissions(classesConfig(), nil)
	for _, kind := range []cluster.ClassKind{cluster.RuntimeClasses, cluster.PriorityClasses, cluster.StorageClasses} {
		permissions = append(permissions, cluster.ClassPermission(kind))
	}
	client := newUser(t, server, "classes", "", permissions)
	check := func(t *testing.T) (table string, err error) {
		testkit.Eventually(t, "the permissions are in effect", func() bool { // RBAC needs a moment
			var out bytes.Buffer
			err = plugin.Check(t.Context(), classesConfig(), client, &out)
			table = out.String()
			return !strings.Contains(table, "MISSING:") && !strings.Contains(table, "optional")
		})
		return table, err
	}
	want := func(t *testing.T, table, result, storageResult string) {
		t.Helper()
		for _, line := range []string{
			"runtimeclasses check-runc ([offloading] runtime_class)", "runtimeclasses check-nvidia ([offloading] placement, [offloading] placement_allowed)",
			"priorityclasses check-low ([offloading] priority_class)", "priorityclasses check-high ([offloading] placement)",
			"storageclasses check-ssd ([offloading] storage_classes, [offloading] claims)", "storageclasses check-hdd ([offloading] storage_classes)",
		} {
			want := line + ": " + result
			if strings.HasPrefix(line, "storageclasses") {
				want = line + ": " + storageResult
			}
			if !strings.Contains(table, "\n"+want+"\n") {
				t.Errorf("Check does not write %q\n%s", want, table)
			}
		}
		if got := strings.Count(table, "([offloading]"); got != 6 {
			t.Errorf("Check names %d classes:\n%s", got, table)
		}
	}
	table, err := check(t)
	if !errdefs.Is(err, errdefs.Refused) || !strings.Contains(err.Error(), "classes missing in the remote cluster: priorityclasses check-high, priorityclasses check-low, runtimeclasses check-nvidia, runtimeclasses check-runc; create them there") {
		t.Errorf("without the classes, Check returns %v", err)
	}
	want(t, table, "MISSING in the remote cluster", "no such object in the remote cluster: only volumes that exist can have this class")
	createClasses(t, server)
	if table, err = check(t); err != nil {
		t.Errorf("with the classes, Check returns %v", err)
	}
	want(t, table, "exists", "exists")
	for _, row := range []string{"runtimeclasses", "priorityclasses", "storageclasses"} {
		if got := strings.Count(table, "get               "+row); got != 1 {
			t.Errorf("the table has %d rows for %s:\n%s", got, row, table)
		}
	}

	t.Run("without the permission", func(t *testing.T) {
		client := newUser(t, server, "no-classes", "", plugin.RequiredPermissions(classesConfig(), nil))
		var out bytes.Buffer
		testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, "the required permissions are in effect", func(ctx context.Context) error {
			out.Reset()
			return plugin.Check(ctx, classesConfig(), client, &out)
		})
		const unknown = "not looked for: no permission (optional)"
		want(t, out.String(), unknown, unknown)
	})
}
