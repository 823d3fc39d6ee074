package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// plainName is what looks like a name; anything else may be a line of a key
// that lost its indentation and is not shown.
var plainName = regexp.MustCompile(`^-{0,2}[A-Za-z][A-Za-z0-9 _.-]{0,39}$`)

// presentable returns a name as it may be shown.
func presentable(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return "(not shown)"
}

// unknown warns of the sections and keys of the file that are no options.
func (f iniFile) unknown() []string {
	type finding struct {
		line int
		text string
	}
	var found []finding
	names := sections()
	for section, content := range f.sections {
		if section == defaultSection {
			continue
		}
		if !slices.Contains(names, section) {
			found = append(found, finding{content.line, fmt.Sprintf("section [%s] is unknown and ignored%s", presentable(section), didYouMean(section, names))})
			continue
		}
		for key, entry := range content.keys {
			if !slices.ContainsFunc(table, func(o Option) bool { return o.Section == section && o.Key == key }) {
				found = append(found, finding{entry.line, fmt.Sprintf("[%s] %s is unknown and ignored%s", section, presentable(key), likelyOption(section, key))})
			}
		}
	}
	slices.SortFunc(found, func(a, b finding) int { return a.line - b.line })
	warnings := make([]string, len(found))
	for i, one := range found {
		warnings[i] = fmt.Sprintf("%s: %s", Source{Origin: File, Name: f.path, Line: one.line}, one.text)
	}
	return warnings
}

// likelyOption suggests an option: the same key of another section first.
func likelyOption(section, key string) string {
	names := map[string]string{}
	for _, option := range table {
		if option.Key == key {
			return "; did you mean " + option.Name() + "?"
		}
		if option.Section == section {
			names[option.Key] = option.Name()
		}
	}
	if near := nearest(key, slices.Sorted(maps.Keys(names))); near != "" {
		return "; did you mean " + names[near] + "?"
	}
	return ""
}

// didYouMean suggests the nearest of the known names, if one is near.
func didYouMean(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// nearest returns the known name that fewest edits make of name, or nothing
// when even that is a third of its length away.
func nearest(name string, known []string) string {
	best, least := "", max(1, len(name)/3)+1
	for _, candidate := range known {
		if d := distance(strings.ToLower(strings.ReplaceAll(name, "_", "-")), strings.ReplaceAll(candidate, "_", "-")); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance is Levenshtein's: how many letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
