package translate

import (
	"fmt"
	"strings"
)

// The text of [wire.AnnotationWarnings] has at most maxWarnings bytes, and each line at most
// maxWarning: enough for what matters, and little enough for the pod cache, which holds it.
const (
	maxWarnings = 2048
	maxWarning  = 400
)

// warningsText returns the warnings for the annotation of the remote pod, one a line.
func warningsText(warnings []string) string {
	var text strings.Builder
	for i, warning := range warnings {
		line := strings.ToValidUTF8(strings.Join(strings.Fields(warning), " "), "?")
		if len(line) > maxWarning {
			line = strings.ToValidUTF8(line[:maxWarning-len("...")], "") + "..."
		}
		if text.Len()+len(line) > maxWarnings {
			fmt.Fprintf(&text, "and %d more", len(warnings)-i)
			break
		}
		text.WriteString(line + "\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}
