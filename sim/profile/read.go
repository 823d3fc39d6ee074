package profile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
)

// document is a whole profile as it is written.
type document struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec Spec `json:"spec"`
}

// Read reads a profile. The error lists all problems of the file, one a line, each as
// path:line: text.
func Read(path string) (*Profile, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, content)
}

// Parse reads the content of a profile; the path appears in errors.
func Parse(path string, content []byte) (*Profile, error) {
	r := &reader{path: path}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var node, more yaml.Node
	switch err := decoder.Decode(&node); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s:1: the file is empty", path)
	case err != nil:
		return nil, fmt.Errorf("%s: not YAML: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		r.problem(more.Line, "a profile has one document")
	}
	var read document
	root := node.Content[0]
	r.decode(root, reflect.ValueOf(&read).Elem(), "")
	r.check(root, &read)
	if len(r.problems) > 0 {
		return nil, errors.Join(r.problems...)
	}
	return &Profile{Name: read.Metadata.Name, Spec: read.Spec}, nil
}

// reader collects the problems of a file.
type reader struct {
	path     string
	problems []error
}

func (r *reader) problem(line int, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s:%d: %s", r.path, max(line, 1), fmt.Sprintf(format, args...)))
}

// check compares what the profile says with what it may say.
func (r *reader) check(root *yaml.Node, read *document) {
	switch s := &read.Spec; {
	case len(r.problems) > 0:
	case read.APIVersion != APIVersion || read.Kind != Kind:
		r.problem(root.Line, "the document must have apiVersion %s and kind %s", APIVersion, Kind)
	case read.Metadata.Name == "":
		r.problem(root.Line, "metadata.name is missing: the name of the plugin")
	default:
		for name, value := range s.ImpossibleRequest {
			if _, err := resource.ParseQuantity(value); err != nil {
				r.problem(lineOf(root, "spec", "impossibleRequest", name), "spec.impossibleRequest.%s: %q is no quantity, such as 5000 or 5000Gi", name, value)
			}
		}
		if s.Slack.Duration < 0 {
			r.problem(lineOf(root, "spec", "slack"), "spec.slack must not be negative")
		}
		if s.SlackPerPod.Duration < 0 {
			r.problem(lineOf(root, "spec", "slackPerPod"), "spec.slackPerPod must not be negative")
		}
		if s.Parallel < 0 {
			r.problem(lineOf(root, "spec", "parallel"), "spec.parallel must not be negative")
		}
		if s.Left != nil && strings.TrimSpace(s.Left.Command) == "" {
			r.problem(lineOf(root, "spec", "left"), "spec.left.command is missing")
		}
	}
}

// lineOf returns the line of a field, or that of its nearest parent that exists.
func lineOf(n *yaml.Node, path ...string) int {
	for i := 0; len(path) > 0 && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == path[0] {
			return lineOf(n.Content[i+1], path[1:]...)
		}
	}
	return n.Line
}

// decode sets a value from a node by the json tags of its type. Unknown fields and wrong
// types are problems.
func (r *reader) decode(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.problem(n.Line, "anchors and aliases (& and *) are not supported: repeat the text")
		return
	}
	if n.ShortTag() == "!!null" {
		return
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch kind := into.Kind(); {
	case kind == reflect.Struct && into.NumField() == 1 && into.Field(0).Type() == reflect.TypeFor[time.Duration]():
		duration, err := time.ParseDuration(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil {
			r.problem(n.Line, "%s must be a duration, such as 1m30s", path)
		}
		into.Field(0).SetInt(int64(duration))
	case kind == reflect.Struct || kind == reflect.Map:
		if n.Kind != yaml.MappingNode {
			r.problem(n.Line, "%s must be an object", cmp.Or(path, "the document"))
			return
		}
		r.decodeObject(n, into, path)
	case kind == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			r.problem(n.Line, "%s must be a list", path)
			return
		}
		into.Set(reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content)))
		for i, item := range n.Content {
			r.decode(item, into.Index(i), path+"["+strconv.Itoa(i)+"]")
		}
	default:
		r.decodeScalar(n, into, path)
	}
}

// decodeObject sets a struct or a map.
func (r *reader) decodeObject(n *yaml.Node, into reflect.Value, path string) {
	if into.Kind() == reflect.Map {
		into.Set(reflect.MakeMap(into.Type()))
	}
	var seen []string
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		name := strings.TrimPrefix(path+"."+key.Value, ".")
		if slices.Contains(seen, key.Value) {
			r.problem(key.Line, "%s is set twice", name)
			continue
		}
		seen = append(seen, key.Value)
		if into.Kind() == reflect.Map {
			item := reflect.New(into.Type().Elem()).Elem()
			r.decode(n.Content[i+1], item, name)
			into.SetMapIndex(reflect.ValueOf(key.Value), item)
			continue
		}
		field := slices.IndexFunc(reflect.VisibleFields(into.Type()), func(f reflect.StructField) bool {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			return tag == key.Value
		})
		if field < 0 {
			r.problem(key.Line, "unknown field %s", name)
			continue
		}
		r.decode(n.Content[i+1], into.Field(field), name)
	}
}

func (r *reader) decodeScalar(n *yaml.Node, into reflect.Value, path string) {
	switch tag := n.ShortTag(); {
	case into.Kind() == reflect.String && n.Kind == yaml.ScalarNode && tag == "!!str":
		into.SetString(n.Value)
	case into.Kind() == reflect.String && n.Kind == yaml.ScalarNode:
		r.problem(n.Line, "%s must be text: quote it", path)
	case into.Kind() == reflect.String:
		r.problem(n.Line, "%s must be text", path)
	case into.Kind() == reflect.Bool && tag == "!!bool":
		into.SetBool(n.Value == "true")
	case into.Kind() == reflect.Bool:
		r.problem(n.Line, "%s must be true or false", path)
	default:
		number, err := strconv.Atoi(n.Value)
		if err != nil || tag != "!!int" {
			r.problem(n.Line, "%s must be a whole number", path)
		}
		into.SetInt(int64(number))
	}
}
