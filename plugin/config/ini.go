package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/ini.v1"
)

// defaultSection holds values for every section of the file, as in Python.
const defaultSection = "DEFAULT"

// iniFile is what stands in an INI file, as Python's configparser reads it.
type iniFile struct {
	path     string
	sections map[string]iniSection
}

type iniSection struct {
	line int
	keys map[string]iniEntry
}

// iniEntry is a value before interpolation. Further lines keep their indentation
// relative to each other.
type iniEntry struct {
	value string
	line  int
}

// readINI reads the text of a file. Its errors never quote a line: it may be one
// of a key or a kubeconfig that lost its indentation.
func readINI(path, data string) (iniFile, Errors) {
	file := iniFile{path: path}
	data = strings.TrimPrefix(data, "\ufeff")
	if !utf8.ValidString(data) {
		return file, Errors{{Source: Source{Origin: File, Name: path}, Problem: "must be UTF-8 text"}}
	}
	plain := layoutOf(path, strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data))
	if len(plain.errors) > 0 {
		return file, plain.errors
	}
	parsed, err := ini.LoadSources(ini.LoadOptions{
		AllowPythonMultilineValues: true,
		IgnoreContinuation:         true, // a backslash at the end of a line is a backslash
		IgnoreInlineComment:        true,
		PreserveSurroundedQuote:    true,
		InsensitiveKeys:            true,
		KeyValueDelimiters:         delimiters,
		ReaderBufferSize:           plain.text.Len(), // else it cuts values of several lines
	}, []byte(plain.text.String()))
	if err != nil { // the error quotes the line
		return file, Errors{{Source: Source{Origin: File, Name: path}, Problem: "cannot be read as an INI file"}}
	}
	file.sections = plain.sections
	for name, section := range file.sections {
		for key, entry := range section.keys {
			entry.value = dedent(parsed.Section(name).Key(key).Value())
			section.keys[key] = entry
		}
	}
	return file, nil
}

// dedent takes the indentation off that all further lines of a value share.
func dedent(value string) string {
	first, rest, more := strings.Cut(value, "\n")
	if !more {
		return value
	}
	lines := strings.Split(rest, "\n")
	shared := -1
	for _, line := range lines {
		if text := strings.TrimLeftFunc(line, unicode.IsSpace); text != "" && (shared < 0 || len(line)-len(text) < shared) {
			shared = len(line) - len(text)
		}
	}
	for i, line := range lines {
		lines[i] = strings.TrimRightFunc(line[min(max(shared, 0), len(line)):], unicode.IsSpace)
	}
	return strings.Trim(first+"\n"+strings.Join(lines, "\n"), "\n")
}

// flat takes all indentation off, as Python does.
func flat(value string) string {
	lines := strings.Split(value, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

// lookup returns the value of a key after interpolation. Values of [DEFAULT]
// count for the sections that the file has.
func (f iniFile) lookup(option Option) (value string, line int, found bool, err error) {
	section, ok := f.sections[option.Section]
	if !ok {
		return "", 0, false, nil
	}
	entry, ok := section.keys[option.Key]
	if !ok {
		entry, ok = f.sections[defaultSection].keys[option.Key]
	}
	if !ok {
		return "", 0, false, nil
	}
	value = entry.value
	if !option.block {
		value = flat(value)
	}
	left := maxReferences
	value, err = f.interpolate(section, value, &left)
	return value, entry.line, true, err
}

// maxReferences is how many references one value may need, those in what it
// refers to included. It ends circles, and values that would grow without end.
const maxReferences = 100

// interpolate replaces %(key)s by the value of a key in the same section or in
// [DEFAULT], and %% by %. It takes from left what it uses up.
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
			return "", fmt.Errorf("has a single %%; in the file a %% is written %%%%, and %%(key)s stands for the value of a key")
		}
		entry, ok := section.keys[strings.ToLower(name)]
		if !ok {
			entry, ok = f.sections[defaultSection].keys[strings.ToLower(name)]
		}
		if !ok {
			return "", fmt.Errorf("refers to a key with %%(...)s that is neither in its section nor in [%s]; a plain %% is written %%%%", defaultSection)
		}
		if *left--; *left < 0 {
			return "", fmt.Errorf("refers to more than %d other values, or to itself", maxReferences)
		}
		inner, err := f.interpolate(section, flat(entry.value), left)
		if err != nil {
			return "", err
		}
		out.WriteString(inner)
		value = rest
	}
}
