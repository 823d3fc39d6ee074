package plan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Report tells what becomes of one pod.
type Report struct {
	// Pod is the local pod, as namespace/name.
	Pod string `json:"pod"`
	// From is the manifest with the pod's template, if a controller writes the pod.
	From string `json:"from,omitempty"`
	// Sent says whether the virtual kubelet ever sends the pod, and Reason why it does not.
	Sent   bool   `json:"sent"`
	Reason string `json:"reason"`
	// Note says what plan does not know of a recorded create request.
	Note string `json:"note,omitempty"`
	// Volumes, Variables, Names and Placement say what becomes of these parts of the pod.
	Volumes   []Part `json:"volumes,omitempty"`
	Variables []Part `json:"variables,omitempty"`
	Names     []Part `json:"names,omitempty"`
	Placement []Part `json:"placement,omitempty"`
	// Objects are the remote objects, in the order in which the plugin creates them. They
	// contain the data of the Secrets.
	Objects []json.RawMessage `json:"objects"`
	// Warnings and Refusals are in the words that the user of the pod would see.
	Warnings []string `json:"warnings"`
	Refusals []string `json:"refusals"`
	// Hints name what cannot work, though the pod is created.
	Hints []string `json:"hints"`

	manifest []byte
}

// Part is one part of a pod, and what becomes of it.
type Part struct {
	Name string `json:"name"`
	// Container is the container of a variable.
	Container string `json:"container,omitempty"`
	Becomes   string `json:"becomes"`
}

// asWritten is what a part becomes that stays.
const asWritten = "as it is written"

// Loses reports whether the pod is not created as it is written: it is not sent, refused, or
// something of it is left out.
func (r *Report) Loses() bool { return !r.Sent || len(r.Refusals) > 0 || len(r.Warnings) > 0 }

// Text returns the report as a YAML manifest of the remote objects, with all else in comments.
func (r *Report) Text() string {
	var out strings.Builder
	comment := func(format string, args ...any) {
		_, _ = fmt.Fprintf(&out, "# %s\n", strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n#   "))
	}
	name := r.Pod
	if r.From != "" {
		name += " of " + r.From
	}
	switch {
	case !r.Sent:
		comment("pod %s: the virtual kubelet does not send it: %s", name, r.Reason)
	case len(r.Refusals) > 0:
		comment("pod %s: the plugin would refuse it", name)
	default:
		comment("pod %s: sent and created", name)
	}
	if r.Note != "" {
		comment("note: %s", r.Note)
	}
	for _, refusal := range r.Refusals {
		comment("refusal: %s", refusal)
	}
	if len(r.manifest) == 0 { // which has the warnings
		for _, warning := range r.Warnings {
			comment("warning: %s", warning)
		}
	}
	for _, hint := range r.Hints {
		comment("hint: %s", hint)
	}
	for _, list := range []struct {
		what  string
		parts []Part
	}{{"name", r.Names}, {"placement", r.Placement}, {"volume", r.Volumes}, {"variable", r.Variables}} {
		var stay []string
		for _, part := range list.parts {
			name := part.Name
			if part.Container != "" {
				name += " of container " + part.Container
			}
			if part.Becomes == asWritten {
				stay = append(stay, name)
				continue
			}
			comment("%s %s: %s", list.what, name, part.Becomes)
		}
		if len(stay) > 0 {
			comment("as written: %s %s", list.what, strings.Join(stay, ", "))
		}
	}
	out.Write(r.manifest) // which begins with the warnings
	return out.String()
}

// JSON returns reports as a JSON list.
func JSON(reports []Report) ([]byte, error) {
	list := make([]Report, 0, len(reports))
	for _, report := range reports {
		// A list that is empty is [], which programs read more easily than null.
		report.Objects = append([]json.RawMessage{}, report.Objects...)
		report.Warnings = append([]string{}, report.Warnings...)
		report.Refusals = append([]string{}, report.Refusals...)
		report.Hints = append([]string{}, report.Hints...)
		list = append(list, report)
	}
	text, err := json.MarshalIndent(list, "", "  ")
	return append(text, '\n'), err
}

// asJSON returns the documents of a YAML manifest.
func asJSON(manifest []byte) ([]json.RawMessage, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	var objects []json.RawMessage
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		object, err := yaml.YAMLToJSON(document)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(object, []byte("null")) { // comments only
			objects = append(objects, object)
		}
	}
}
