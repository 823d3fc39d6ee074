package plugin

import (
	"cmp"
	"context"
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

// ClassState says whether a class exists, in words.
type ClassState string

// The states of classes.
const (
	ClassExists  ClassState = "exists"
	ClassMissing ClassState = "MISSING in the remote cluster"
	// ClassNotLookedFor is the state of a class that the account may not get.
	ClassNotLookedFor ClassState = "not looked for: no permission (optional)"
	// ClassIsNoObject is the state of a storage class that does not exist.
	ClassIsNoObject ClassState = "no such object in the remote cluster: only volumes that exist can have this class"
)

// ReviewedClass is a class that the configuration names.
type ReviewedClass struct {
	Resource, Name string
	// Options are the options that name the class.
	Options []string
	State   ClassState
}

// reviewClasses returns which of these classes exist.
func reviewClasses(ctx context.Context, classes map[class][]string, remote cluster.Reviewer) (reviewed []ReviewedClass, err error) {
	for _, c := range inOrder(classes) {
		exists, err := remote.ClassExists(ctx, c.kind, c.name)
		state := ClassExists
		switch {
		case errdefs.Is(err, errdefs.Refused):
			state = ClassNotLookedFor
		case err != nil:
			return nil, err
		case !exists && c.kind == cluster.StorageClasses:
			state = ClassIsNoObject
		case !exists:
			state = ClassMissing
		}
		reviewed = append(reviewed, ReviewedClass{Resource: c.kind.Resource, Name: c.name, Options: classes[c], State: state})
	}
	return reviewed, nil
}
