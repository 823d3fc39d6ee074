package tracing

import (
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// shown returns a value for an error: one short line.
func shown(text string) string {
	if len(text) > 50 {
		text = text[:50] + "..."
	}
	return strings.ToValidUTF8(text, "")
}

func (r *reader) oneOf(name, otherwise string, known ...string) string {
	value := r.values[name]
	if value == "" {
		return otherwise
	}
	if !slices.Contains(known, value) {
		r.fail(name, "%q is not known; known are %s", shown(value), strings.Join(known, ", "))
	}
	return value
}

func (r *reader) otlpOneOf(suffix, otherwise string, known ...string) string {
	if name, _ := r.otlp(suffix); name != "" {
		return r.oneOf(name, otherwise, known...)
	}
	return otherwise
}

func (r *reader) boolean(name string) bool {
	return strings.EqualFold(r.oneOf(name, "false", "true", "false", "True", "False", "TRUE", "FALSE"), "true")
}

func (r *reader) otlpBoolean(suffix string) bool {
	name, _ := r.otlp(suffix)
	return name != "" && r.boolean(name)
}

// maxNumber is the largest number of a variable: a day in milliseconds, or a queue that still
// fits in memory.
const maxNumber = 86_400_000

func (r *reader) number(name string, otherwise int) int {
	text := r.values[name]
	if text == "" {
		return otherwise
	}
	number, err := strconv.Atoi(text)
	limit := maxNumber
	if strings.HasSuffix(name, "_SIZE") {
		limit = 1_000_000
	}
	if err != nil || number < 1 || number > limit {
		r.fail(name, "%q is not a number from 1 to %d", shown(text), limit)
		return otherwise
	}
	return number
}

func (r *reader) milliseconds(name string, otherwise time.Duration) time.Duration {
	return time.Duration(r.number(name, int(otherwise.Milliseconds()))) * time.Millisecond
}

func (r *reader) otlpMilliseconds(suffix string, otherwise time.Duration) time.Duration {
	if name, _ := r.otlp(suffix); name != "" {
		return r.milliseconds(name, otherwise)
	}
	return otherwise
}

// pairs reads a list of name=value. The values, and in headers the names, are percent-encoded.
// It shows nothing of a list that is wrong: it may hold a token.
func (r *reader) pairs(name, list string, headers bool) map[string]string {
	pairs := map[string]string{}
	for i, pair := range strings.Split(list, ",") {
		key, value, found := strings.Cut(pair, "=")
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, keyErr := url.PathUnescape(strings.TrimSpace(key))
		value, valueErr := url.PathUnescape(strings.TrimSpace(value))
		if headers {
			key = strings.ToLower(key)
		}
		if !found || key == "" || keyErr != nil || valueErr != nil {
			r.fail(name, "entry %d is not name=value, with percent-encoding", i+1)
			continue
		}
		pairs[key] = value
	}
	return pairs
}

// file is a file that a variable names.
type file struct{ name, path string }

func (r *reader) file(name string) file { return file{name, r.values[name]} }

// read returns the content of a file, or nil.
func (r *reader) read(f file) []byte {
	if f.path == "" {
		return nil
	}
	content, err := os.ReadFile(f.path)
	if err != nil {
		r.fail(f.name, "%v", err)
	}
	return content
}
