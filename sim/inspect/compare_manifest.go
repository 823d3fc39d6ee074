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

// CompareManifest returns one line for each part of want that the pod's manifest does
// not have. Fields that want does not name are ignored. The rules are:
//   - Objects are compared key by key. An empty object must exist (emptyDir: {}).
//   - If all items of a list in want have a mountPath or a name, the pod's list must
//     contain an item with the same one. Other lists must be equal.
//   - null means that the field is absent or empty; so does [].
//   - false and 0 are values, not absent: the default of the field may be another one
//     (automountServiceAccountToken, runAsUser).
func CompareManifest(pod *corev1.Pod, want map[string]any) []string {
	var differences []string
	if len(want) > 0 {
		compare("", toJSONValue(pod), toJSONValue(want), &differences)
	}
	return differences
}

// toJSONValue converts a value to maps, slices, strings and numbers, so that both sides
// of a comparison have the same types.
func toJSONValue(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // manifests and values that were read as JSON always marshal
	}
	var converted any
	if err := json.Unmarshal(text, &converted); err != nil {
		panic(err)
	}
	return converted
}

func compare(path string, have, want any, differences *[]string) {
	switch want := want.(type) {
	case nil:
		if !isEmpty(have) {
			*differences = append(*differences, fmt.Sprintf("%s is %s, not empty", path, show(have)))
		}
		return
	case map[string]any:
		object, ok := have.(map[string]any)
		if !ok && (have != nil || len(want) == 0) {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			child := key
			if path != "" {
				child = path + "." + key
			}
			compare(child, object[key], want[key], differences)
		}
		return
	case []any:
		items, ok := have.([]any)
		if len(want) == 0 && isEmpty(have) {
			return
		}
		if key := mergeKey(want); key != "" && (ok || have == nil) {
			compareByKey(path, key, items, want, differences)
			return
		}
	}
	if !reflect.DeepEqual(have, want) && !isSameQuantity(have, want) {
		*differences = append(*differences, fmt.Sprintf("%s is %s, not %s", path, show(have), show(want)))
	}
}

// compareByKey compares each wanted item with the item that has the same value of key.
func compareByKey(path, key string, have, want []any, differences *[]string) {
	for _, item := range want {
		name := item.(map[string]any)[key]
		i := slices.IndexFunc(have, func(other any) bool {
			object, ok := other.(map[string]any)
			return ok && object[key] == name
		})
		if i < 0 {
			*differences = append(*differences, fmt.Sprintf("%s has no item with %s %s", path, key, show(name)))
			continue
		}
		compare(fmt.Sprintf("%s[%v]", path, name), have[i], item, differences)
	}
}

// mergeKey returns the key that all items have and by which they are looked up, "" if
// there is none.
func mergeKey(items []any) string {
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

// isSameQuantity reports whether a string and a number are the same quantity, such as
// "1" and 1: a manifest may contain either.
func isSameQuantity(have, want any) bool {
	text, isText := have.(string)
	number, isNumber := want.(float64)
	return isText && isNumber && text == strconv.FormatFloat(number, 'f', -1, 64)
}

func isEmpty(value any) bool {
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
	text, _ := json.Marshal(value) // the value was read as JSON, so it always marshals
	return string(text)
}
