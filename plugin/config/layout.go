package config

import (
	"fmt"
	"strings"
	"unicode"
)

const delimiters = "=:"

// layout is a file as ini.v1 reads it the way that Python would: no comments,
// keys and sections at the margin, further lines of values indented. It also
// says where everything stands, which ini.v1 does not.
type layout struct {
	path     string
	text     strings.Builder
	sections map[string]iniSection
	errors   Errors

	section string // the one being read
	indent  int    // of the last key or section
	open    bool   // a value is being read, which further lines may continue
	blank   int    // empty lines since its last one
}

func layoutOf(path, data string) *layout {
	l := &layout{path: path, sections: map[string]iniSection{}}
	for i, line := range strings.Split(data, "\n") {
		text := strings.TrimSpace(line)
		indent := len([]rune(line)) - len([]rune(strings.TrimLeftFunc(line, unicode.IsSpace)))
		switch {
		case strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";"):
		case text == "":
			l.blank++
		case l.open && indent > l.indent:
			l.text.WriteString(strings.Repeat(" \n", l.blank))
			l.text.WriteString(" " + line + "\n")
			l.blank = 0
		default:
			l.indent, l.open, l.blank = indent, false, 0
			if end := strings.LastIndexByte(text, ']'); text[0] == '[' && end > 1 {
				l.header(i+1, text[1:end])
			} else {
				l.key(i+1, text)
			}
		}
	}
	return l
}

func (l *layout) fail(line int, format string, args ...any) {
	l.errors = append(l.errors, OptionError{
		Source:  Source{Origin: File, Name: l.path, Line: line},
		Problem: fmt.Sprintf(format, args...),
	})
}

func (l *layout) header(line int, name string) {
	l.section = name
	if before, twice := l.sections[name]; !twice {
		l.sections[name] = iniSection{line: line, keys: map[string]iniEntry{}}
	} else if name != defaultSection {
		l.fail(line, "section [%s] stands in line %d already; one of them must go", presentable(name), before.line)
	}
	l.text.WriteString("[" + name + "]\n")
}

func (l *layout) key(line int, text string) {
	end := strings.IndexAny(text, delimiters)
	if l.section == "" {
		l.fail(line, "must stand below a section such as [app]")
		return
	}
	if end < 1 || strings.ContainsAny(text[:1], "[\"`") {
		l.fail(line, "is neither a [section] nor a key=value; further lines of a value are indented")
		return
	}
	key, value := strings.ToLower(strings.TrimSpace(text[:end])), strings.TrimSpace(text[end+1:])
	keys := l.sections[l.section].keys
	if before, twice := keys[key]; twice {
		l.fail(line, "key %s stands in line %d already; one of them must go", presentable(key), before.line)
		return
	}
	keys[key] = iniEntry{line: line}
	l.open = true
	if strings.HasPrefix(value, `"""`) || strings.HasPrefix(value, "`") {
		// These open quotes for ini.v1, but not on a further line.
		text = text[:end+1] + "\n " + value
	}
	l.text.WriteString(text + "\n")
}
