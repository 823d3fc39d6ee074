package config

import (
	"fmt"
	"strings"
)

// maxReferences is the largest number of references in one value, including those
// in the values that it refers to. It stops references in a circle, and values that
// would grow without end.
const maxReferences = 100

// interpolate replaces %(key)s by the value of a key in the same section or in
// [DEFAULT], and %% by %. It subtracts the references that it replaces from left.
func (f iniFile) interpolate(section iniSection, value string, left *int) (string, error) {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(value, "%")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		if rest, ok := strings.CutPrefix(after, "%"); ok {
			out.WriteByte('%')
			value = rest
			continue
		}
		name, rest, ok := strings.Cut(strings.TrimPrefix(after, "("), ")s")
		if !ok || !strings.HasPrefix(after, "(") || name == "" || strings.Contains(name, ")") {
			return "", fmt.Errorf("contains a single %%; in the file, write %%%% for a percent sign, and %%(key)s for the value of a key")
		}
		entry, ok := section.keys[strings.ToLower(name)]
		if !ok {
			entry, ok = f.sections[defaultSection].keys[strings.ToLower(name)]
		}
		if !ok {
			return "", fmt.Errorf("refers with %%(...)s to a key that is neither in its section nor in [%s]; write %%%% for a percent sign", defaultSection)
		}
		if *left--; *left < 0 {
			return "", fmt.Errorf("refers to itself, or to more than %d other values", maxReferences)
		}
		inner, err := f.interpolate(section, flat(entry.value), left)
		if err != nil {
			return "", err
		}
		out.WriteString(inner)
		value = rest
	}
}
