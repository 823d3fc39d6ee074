package play

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// mark is what a container that has a probe writes about itself.
type mark struct {
	before string // what is on the same line before it
	number string
	text   string
}

var markOfLine = regexp.MustCompile(`^(.*?)interlink-sim ([0-9]+) (.*?)[\r\n]*$`)

// parseMark returns what a line of a log says as the line of a probe, of any container.
func parseMark(line string) (mark, bool) {
	found := markOfLine.FindStringSubmatch(line)
	if found == nil {
		return mark{}, false
	}
	return mark{found[1], found[2], found[3]}, true
}

// isText reports whether what is before a mark is text of the log: more than a timestamp.
func isText(before string) bool {
	stamp := strings.TrimSpace(before)
	_, err := time.Parse(time.RFC3339Nano, stamp)
	return stamp != "" && err != nil
}

// ofAnother takes the place of what a container writes about itself in the log of another one.
const ofAnother = "(what another container writes when it begins)"

// ownLog returns a log without what the containers of probes write about themselves. If a
// preamble is allowed, what the job writes before the container begins and after it has ended
// is removed too. All other lines stay: they are compared.
func ownLog(log string, probes []probe, preamble bool) string {
	var kept []string
	for line := range strings.Lines(log) {
		mark, isMark := parseMark(line)
		isOwn := slices.ContainsFunc(probes, func(p probe) bool { return p.number == mark.number })
		switch {
		case !isMark:
			kept = append(kept, line)
		case !isOwn:
			if shown := mark.before + ofAnother + "\n"; len(kept) == 0 || kept[len(kept)-1] != shown {
				kept = append(kept, shown)
			}
		case preamble && mark.text == "end":
			kept = nil
		default:
			if isText(mark.before) {
				kept = append(kept, mark.before) // the container's last line has no end
			}
			if preamble && mark.text == "done" {
				return strings.Join(kept, "")
			}
		}
	}
	return strings.Join(kept, "")
}

// firstLines returns at most n lines of a log.
func firstLines(log string, n int) string {
	end := 0
	for line := range strings.Lines(log) {
		if n--; n < 0 {
			break
		}
		end += len(line)
	}
	return log[:end]
}

// bytesBefore returns how many bytes of a log are before the container's own lines.
func (p probe) bytesBefore(log string) int64 {
	before, at := 0, 0
	for line := range strings.Lines(log) {
		at += len(line)
		if mark, isMark := parseMark(line); isMark && mark.number == p.number && mark.text == "end" {
			before = at
		}
	}
	return int64(before)
}

// hasEnded reports whether a log has the line that the container writes at its end.
func (p probe) hasEnded(log string) bool {
	for line := range strings.Lines(log) {
		if mark, isMark := parseMark(line); isMark && mark.number == p.number && mark.text == "done" {
			return true
		}
	}
	return false
}
