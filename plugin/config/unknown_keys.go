package config

import (
	"fmt"
	"regexp"
	"slices"
)

// plainName matches what looks like a name. Other text is not shown: it may be a
// line of a key that is not indented.
var plainName = regexp.MustCompile(`^-{0,2}[A-Za-z][A-Za-z0-9 _.-]{0,39}$`)

// presentable returns a name if it is safe to show.
func presentable(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return "(not shown)"
}

// unknown returns a warning for each section and key of the file that is not an
// option.
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
			found = append(found, finding{content.line, fmt.Sprintf("section [%s] is unknown and ignored%s", presentable(section), suggest(section, names))})
			continue
		}
		for key, entry := range content.keys {
			if !slices.ContainsFunc(table, func(o Option) bool { return o.Section == section && o.Key == key }) {
				found = append(found, finding{entry.line, fmt.Sprintf("[%s] %s is unknown and ignored%s", section, presentable(key), suggestOption(section, key))})
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
