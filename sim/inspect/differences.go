package inspect

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// CompareManifest says where a pod's manifest lacks a part that is wanted. Objects are
// compared key by key, and {} is wanted to be there (emptyDir: {}); items of a list
// that all have a name (mounts: a mountPath) are looked up by it, other lists must
// be equal; null and [] mean absent or empty. What says false or 0 is neither: the
// default may be another (automountServiceAccountToken, runAsUser).
func CompareManifest(have *corev1.Pod, want map[string]any) []string {
	var found []string
	if len(want) > 0 {
		compare("", generic(have), generic(want), &found)
	}
	return found
}

// generic is what JSON makes of a value, so that both sides speak of the same.
func generic(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // manifests and what was read as JSON always marshal
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		panic(err)
	}
	return plain
}

func compare(at string, have, want any, found *[]string) {
	switch want := want.(type) {
	case nil:
		if !empty(have) {
			*found = append(*found, fmt.Sprintf("%s is %s, not empty", at, show(have)))
		}
		return
	case map[string]any:
		object, ok := have.(map[string]any)
		if !ok && (have != nil || len(want) == 0) {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			below := key
			if at != "" {
				below = at + "." + key
			}
			compare(below, object[key], want[key], found)
		}
		return
	case []any:
		list, ok := have.([]any)
		if len(want) == 0 && empty(have) {
			return
		}
		if key := nameOf(want); key != "" && (ok || have == nil) {
			for _, item := range want {
				name := item.(map[string]any)[key]
				i := slices.IndexFunc(list, func(other any) bool {
					object, ok := other.(map[string]any)
					return ok && object[key] == name
				})
				if i < 0 {
					*found = append(*found, fmt.Sprintf("%s has no item with %s %s", at, key, show(name)))
					continue
				}
				compare(fmt.Sprintf("%s[%v]", at, name), list[i], item, found)
			}
			return
		}
	}
	if !reflect.DeepEqual(have, want) && !same(have, want) {
		*found = append(*found, fmt.Sprintf("%s is %s, not %s", at, show(have), show(want)))
	}
}

// same holds numbers that one side says as text together: 1 and "1" are one
// quantity.
func same(have, want any) bool {
	text, isText := have.(string)
	number, isNumber := want.(float64)
	return isText && isNumber && text == strconv.FormatFloat(number, 'f', -1, 64)
}

// nameOf is the key by which all items are named; "" if there is none.
func nameOf(items []any) string {
	for _, key := range []string{"mountPath", "name"} {
		if len(items) > 0 && !slices.ContainsFunc(items, func(item any) bool {
			object, ok := item.(map[string]any)
			return !ok || object[key] == nil
		}) {
			return key
		}
	}
	return ""
}

func empty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case map[string]any:
		return len(value) == 0
	case []any:
		return len(value) == 0
	case string:
		return value == ""
	}
	return false
}

func show(value any) string {
	if value == nil {
		return "absent"
	}
	text, _ := json.Marshal(value) // it came of JSON
	return string(text)
}
