package status

import (
	"fmt"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/podstate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// maxWarnings is the size of the warnings in a message. The remote pod has the others.
const maxWarnings = 512

// addWarnings adds what of the local pod could not be carried over to the message of the
// first container: a user sees nothing else of the remote pod (docs/contract.md, STATUS-41).
// The API has no message for a container that runs. A message that the container itself has
// written stays as it is, since programs read it.
func (r *report) addWarnings() {
	warnings := r.remote.Annotations[wire.AnnotationWarnings]
	if warnings == "" {
		return
	}
	if message := r.pluginMessage(); message != nil {
		*message = appendText(*message, "warnings: "+shortWarnings(warnings))
	}
}

// pluginMessage returns the message of the first container, in which the plugin can say
// something: nil if the container runs, or has itself written the message.
func (r *report) pluginMessage() *string {
	if len(r.main) == 0 {
		return nil
	}
	first := &r.main[0]
	switch {
	case first.State.Waiting != nil:
		return &first.State.Waiting.Message
	case first.State.Terminated != nil:
		if remote := podstate.Find(r.remote.Status.ContainerStatuses, first.Name); remote != nil &&
			remote.State.Terminated != nil && remote.State.Terminated.Message != "" {
			return nil
		}
		return &first.State.Terminated.Message
	}
	return nil
}

// shortWarnings returns the first warnings of an annotation.
func shortWarnings(annotation string) string {
	lines := strings.Split(annotation, "\n")
	text := lines[0]
	for i, line := range lines[1:] {
		if len(text)+len(line) > maxWarnings {
			return text + fmt.Sprintf("; and %d more, in the annotation %s of the remote pod", len(lines)-1-i, wire.AnnotationWarnings)
		}
		text += "; " + line
	}
	return text
}
