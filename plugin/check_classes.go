package plugin

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
)

// class is a class that the configuration names. No remote pod can have a runtime or priority class
// that does not exist. Static volumes can have a storage class that is no object, and claims get them.
type class struct {
	kind cluster.ClassKind
	name string
}

// classesOf returns the classes that the configuration names, with the options that name them.
// Patterns of names are not looked for.
func classesOf(options translate.Options) map[class][]string {
	classes := map[class][]string{}
	add := func(kind cluster.ClassKind, name, option string) {
		c, from := class{kind, name}, "[offloading] "+option
		if name != "" && !strings.ContainsAny(name, `*?[\`) && !slices.Contains(classes[c], from) {
			classes[c] = append(classes[c], from)
		}
	}
	o := options.Offloading
	add(cluster.RuntimeClasses, o.RuntimeClass, "runtime_class")
	add(cluster.PriorityClasses, o.PriorityClass, "priority_class")
	for _, rule := range options.PlacementRules.Rules {
		if rule.RuntimeClass != nil {
			add(cluster.RuntimeClasses, *rule.RuntimeClass, "placement")
		}
		if rule.PriorityClass != nil {
			add(cluster.PriorityClasses, *rule.PriorityClass, "placement")
		}
	}
	for _, allowed := range o.PlacementAllowed {
		switch allowed.Field {
		case "runtimeClass":
			add(cluster.RuntimeClasses, allowed.Value, "placement_allowed")
		case "priorityClass":
			add(cluster.PriorityClasses, allowed.Value, "placement_allowed")
		}
	}
	for _, name := range o.StorageClasses {
		add(cluster.StorageClasses, name, "storage_classes")
	}
	for _, rule := range options.ClaimRules {
		if rule.Create != nil && rule.Create.StorageClassName != nil {
			add(cluster.StorageClasses, *rule.Create.StorageClassName, "claims")
		}
	}
	return classes
}

// inOrder returns the classes by kind and name.
func inOrder(classes map[class][]string) []class {
	return slices.SortedFunc(maps.Keys(classes), func(a, b class) int {
		return cmp.Or(cmp.Compare(a.kind.Resource, b.kind.Resource), cmp.Compare(a.name, b.name))
	})
}

// classPermissions lists the permissions to look for these classes.
func classPermissions(classes map[class][]string) []cluster.Permission {
	var permissions []cluster.Permission
	for _, c := range inOrder(classes) {
		if p := cluster.ClassPermission(c.kind); !slices.Contains(permissions, p) {
			permissions = append(permissions, p)
		}
	}
	return permissions
}

// checkClasses writes which of these classes exist, and returns how many are missing.
func checkClasses(ctx context.Context, classes map[class][]string, remote cluster.Reviewer, w io.Writer) (missing int, err error) {
	var lines []string
	for _, c := range inOrder(classes) {
		exists, err := remote.ClassExists(ctx, c.kind, c.name)
		result := "exists"
		switch {
		case errdefs.Is(err, errdefs.Refused):
			result = "not looked for: no permission (optional)"
		case err != nil:
			return missing, err
		case !exists && c.kind == cluster.StorageClasses:
			result = "no such object in the remote cluster: only volumes that exist can have this class"
		case !exists:
			missing++
			result = "MISSING in the remote cluster"
		}
		lines = append(lines, fmt.Sprintf("%s %s (%s): %s", c.kind.Resource, c.name, strings.Join(classes[c], ", "), result))
	}
	if len(lines) > 0 {
		_, err = fmt.Fprintf(w, "\n%s\n", strings.Join(lines, "\n"))
	}
	return missing, err
}
