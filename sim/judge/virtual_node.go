package judge

import (
	"cmp"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
)

// compareVirtualNode compares what the virtual node has shown with the quantities that are expected, by
// resource. A time at which it was not looked at is a difference, too.
func compareVirtualNode(expected map[string][]string, seen []map[string]string) []Difference {
	var found []Difference
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		for i, want := range expected[name] {
			got := ""
			if i < len(seen) {
				got = seen[i][name]
			}
			if got != "" && sameQuantity(got, want) {
				continue
			}
			rule := "PING-11"
			if sameQuantity(want, "0") {
				rule = "PING-12"
			}
			found = append(found, differencef(rule, "after change %d of the remote cluster, the virtual node shows %s %s, expected %s", i, cmp.Or(got, "no"), name, want))
		}
	}
	return found
}

func sameQuantity(a, b string) bool {
	first, err := resource.ParseQuantity(a)
	second, err2 := resource.ParseQuantity(b)
	return err == nil && err2 == nil && first.Cmp(second) == 0
}
