package console

import "strings"

// Style adds colors to texts.
type Style struct{ color bool }

// NewStyle returns a Style with colors, if the output is a terminal that has them and the
// environment (os.Environ) does not forbid them.
func NewStyle(isTerminal bool, environ []string) Style {
	values := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	return Style{color: isTerminal && values["NO_COLOR"] == "" && values["TERM"] != "dumb" && values["TERM"] != ""}
}

// The codes of colors: https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters
const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// Good is the color of what is as it should be.
func (s Style) Good(text string) string { return s.paint(green, text) }

// Warn is the color of what somebody may want to look at.
func (s Style) Warn(text string) string { return s.paint(yellow, text) }

// Bad is the color of what does not work.
func (s Style) Bad(text string) string { return s.paint(red, text) }

// Title is how titles look.
func (s Style) Title(text string) string { return s.paint(bold, text) }

func (s Style) paint(code, text string) string {
	if !s.color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
