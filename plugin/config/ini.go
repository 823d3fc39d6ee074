package config

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/ini.v1"
)

// defaultSection is the section whose values apply to every section, as in Python.
const defaultSection = "DEFAULT"

// iniFile is the content of an INI file, as Python's configparser reads it.
type iniFile struct {
	path     string
	sections map[string]iniSection
}

type iniSection struct {
	line int
	keys map[string]iniEntry
}

// iniEntry is a value before interpolation. Continuation lines keep their
// indentation relative to each other.
type iniEntry struct {
	value string
	line  int
}

// readINI parses the text of a file. Its errors never quote a line: the line may
// belong to a key or a kubeconfig that is not indented.
func readINI(path, data string) (iniFile, Errors) {
	file := iniFile{path: path}
	data = strings.TrimPrefix(data, "\ufeff")
	if !utf8.ValidString(data) {
		return file, Errors{{Source: Source{Origin: File, Name: path}, Problem: "must be UTF-8 text"}}
	}
	lines := normalizeLines(path, strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data))
	if len(lines.errors) > 0 {
		return file, lines.errors
	}
	parsed, err := ini.LoadSources(ini.LoadOptions{
		AllowPythonMultilineValues: true,
		IgnoreContinuation:         true, // a backslash at the end of a line is a backslash
		IgnoreInlineComment:        true,
		PreserveSurroundedQuote:    true,
		InsensitiveKeys:            true,
		KeyValueDelimiters:         delimiters,
		ReaderBufferSize:           lines.text.Len(), // a smaller buffer truncates values of several lines
	}, []byte(lines.text.String()))
	if err != nil { // the error quotes the line
		return file, Errors{{Source: Source{Origin: File, Name: path}, Problem: "cannot be read as an INI file"}}
	}
	file.sections = lines.sections
	for name, section := range file.sections {
		for key, entry := range section.keys {
			entry.value = dedent(parsed.Section(name).Key(key).Value())
			section.keys[key] = entry
		}
	}
	return file, nil
}

// dedent removes the indentation that all continuation lines of a value share.
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

// flat removes all indentation, as Python does.
func flat(value string) string {
	lines := strings.Split(value, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

// lookup returns the value of a key after interpolation. Values of [DEFAULT] apply
// to the sections that the file contains.
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
