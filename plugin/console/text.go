package console

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns a text in which each character that a terminal can act on, or that changes the
// direction of the text, is replaced by U+FFFD. Line breaks and tabs stay.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && acts(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}

// Line returns a text on one line, without what [Clean] replaces. White space becomes one space.
func Line(text string) string { return Clean(strings.Join(strings.Fields(text), " ")) }

// acts reports whether a character is not shown, but does something.
func acts(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}
