package config

import (
	"fmt"
	"strings"
	"unicode"
)

const delimiters = "=:"

// iniLines is the text of a file, changed so that ini.v1 reads it as Python would:
// without comments, with keys and sections at the start of the line, and with
// continuation lines indented. It also records line numbers, which ini.v1 does not.
type iniLines struct {
	path     string
	text     strings.Builder
	sections map[string]iniSection
	errors   Errors

	section string // the current section
	indent  int    // of the last key or section
	open    bool   // the next line may continue the current value
	blank   int    // the number of empty lines since the last line of that value
}

// normalizeLines reads the lines of a file.
func normalizeLines(path, data string) *iniLines {
	l := &iniLines{path: path, sections: map[string]iniSection{}}
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

func (l *iniLines) fail(line int, format string, args ...any) {
	l.errors = append(l.errors, OptionError{
		Source:  Source{Origin: File, Name: l.path, Line: line},
		Problem: fmt.Sprintf(format, args...),
	})
}

func (l *iniLines) header(line int, name string) {
	l.section = name
	if before, twice := l.sections[name]; !twice {
		l.sections[name] = iniSection{line: line, keys: map[string]iniEntry{}}
	} else if name != defaultSection {
		l.fail(line, "section [%s] is already defined in line %d; remove one of them", presentable(name), before.line)
	}
	l.text.WriteString("[" + name + "]\n")
}

func (l *iniLines) key(line int, text string) {
	end := strings.IndexAny(text, delimiters)
	if l.section == "" {
		l.fail(line, "must be below a section such as [app]")
		return
	}
	if end < 1 || strings.ContainsAny(text[:1], "[\"`") {
		l.fail(line, "is neither a [section] nor a key=value; indent the continuation lines of a value")
		return
	}
	key, value := strings.ToLower(strings.TrimSpace(text[:end])), strings.TrimSpace(text[end+1:])
	keys := l.sections[l.section].keys
	if before, twice := keys[key]; twice {
		l.fail(line, "key %s is already defined in line %d; remove one of them", presentable(key), before.line)
		return
	}
	keys[key] = iniEntry{line: line}
	l.open = true
	if strings.HasPrefix(value, `"""`) || strings.HasPrefix(value, "`") {
		// ini.v1 treats these as opening quotes, but not on a continuation line.
		text = text[:end+1] + "\n " + value
	}
	l.text.WriteString(text + "\n")
}
