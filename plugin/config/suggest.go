package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// suggestOption returns a hint with the option that the user probably means. A key
// of that name in another section has priority.
func suggestOption(section, key string) string {
	names := map[string]string{}
	for _, option := range table {
		if option.Key == key {
			return "; did you mean " + option.Name() + "?"
		}
		if option.Section == section {
			names[option.Key] = option.Name()
		}
	}
	if similar := mostSimilar(key, slices.Sorted(maps.Keys(names))); similar != "" {
		return "; did you mean " + names[similar] + "?"
	}
	return ""
}

// suggest returns a hint with the most similar of the known names, or nothing.
func suggest(name string, known []string) string {
	if similar := mostSimilar(name, known); similar != "" {
		return "; did you mean " + similar + "?"
	}
	return ""
}

// mostSimilar returns the known name with the smallest edit distance to name, or
// nothing if that distance is more than a third of the length of name.
func mostSimilar(name string, known []string) string {
	best, smallest := "", max(1, len(name)/3)+1
	normalize := strings.NewReplacer("_", "-")
	for _, candidate := range known {
		distance := levenshtein.ComputeDistance(normalize.Replace(strings.ToLower(name)), normalize.Replace(candidate))
		if distance < smallest {
			best, smallest = candidate, distance
		}
	}
	return best
}
