package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/yaml"
)

// WriteJSON writes a value as indented JSON.
func WriteJSON(w io.Writer, value any) error {
	text, err := marshal(value, "")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

// WriteYAML writes a value as YAML, with the names of its JSON.
func WriteYAML(w io.Writer, value any) error {
	text, err := yaml.Marshal(value)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// marshal returns a value as JSON without the escapes that only pages of HTML need.
func marshal(value any, prefix string) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(prefix, "  ")
	err := encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// List writes an object with the list "items", one item after the other: it keeps none.
type List struct {
	out   io.Writer
	yaml  bool
	count int
}

// NewList returns a List that is written as YAML or as JSON.
func NewList(out io.Writer, asYAML bool) *List { return &List{out: out, yaml: asYAML} }

// Add writes an item.
func (l *List) Add(item any) error {
	l.count++
	if l.yaml {
		return l.addYAML(item)
	}
	before := ",\n    "
	if l.count == 1 {
		before = "{\n  \"items\": [\n    "
	}
	text, err := marshal(item, "    ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(l.out, "%s%s", before, text)
	return err
}

func (l *List) addYAML(item any) error {
	text, err := yaml.Marshal(item)
	if err != nil {
		return err
	}
	before := ""
	if l.count == 1 {
		before = "items:\n"
	}
	indented := strings.ReplaceAll(strings.TrimSuffix(string(text), "\n"), "\n", "\n  ")
	_, err = fmt.Fprintf(l.out, "%s- %s\n", before, indented)
	return err
}

// Close writes the end of the list.
func (l *List) Close() error {
	end := "\n  ]\n}\n"
	switch {
	case l.yaml && l.count == 0:
		end = "items: []\n"
	case l.yaml:
		return nil
	case l.count == 0:
		end = "{\n  \"items\": []\n}\n"
	}
	_, err := io.WriteString(l.out, end)
	return err
}
