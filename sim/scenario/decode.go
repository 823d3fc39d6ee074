package scenario

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// decode reads a document as a type by its json tags, strictly. Kubernetes' own
// strict reading knows no lines, so the nodes are held against the type first.
func decode[T any](r *reader, n *yaml.Node) (*T, bool) {
	before, object := len(r.problems), new(T)
	r.fits(n, reflect.TypeFor[T](), "")
	if len(r.problems) > before {
		return nil, false
	}
	if err := fill(n, object); err != nil {
		r.problem(n.Line, "%v", err)
		return nil, false
	}
	return object, true
}

func fill(n *yaml.Node, object any) error {
	text, err := json.Marshal(value(n))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, object)
}

// plain refuses what YAML can say and Kubernetes reads otherwise, or not at all,
// and keys that are given twice.
func (r *reader) plain(n *yaml.Node) bool {
	before := len(r.problems)
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.problem(n.Line, "anchors and aliases (& and *) are not read: write it out")
		return false
	case n.Kind == yaml.ScalarNode:
		var any any
		err := n.Decode(&any)
		switch lower := strings.ToLower(n.Value); {
		case err != nil:
			r.problem(n.Line, "%s is no %s", n.Value, strings.TrimPrefix(n.ShortTag(), "!!"))
		case n.Style == 0 && slices.Contains([]string{"yes", "no", "on", "off", "y", "n"}, lower):
			r.problem(n.Line, "%s is true or false to Kubernetes: write that, or quote it", n.Value)
		}
	case n.Kind == yaml.MappingNode:
		lines := map[string]int{}
		for i := 0; i < len(n.Content); i += 2 {
			switch key := n.Content[i]; {
			case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge":
				r.problem(key.Line, "a key must be plain text")
			case lines[key.Value] > 0:
				r.problem(key.Line, "%s is given twice: first in line %d", key.Value, lines[key.Value])
			default:
				lines[key.Value] = key.Line
			}
		}
	}
	for _, child := range n.Content {
		r.plain(child)
	}
	return len(r.problems) == before
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// fits holds a node against the type that it is to be read as.
func (r *reader) fits(n *yaml.Node, t reflect.Type, at string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	whole := at
	if whole == "" {
		whole = "the document"
	}
	switch {
	case n.ShortTag() == "!!null":
	case reflect.PointerTo(t).Implements(unmarshaler):
		r.leaf(n, t, at)
	case t.Kind() == reflect.Struct:
		if n.Kind != yaml.MappingNode {
			r.problem(n.Line, "%s must be an object", whole)
			return
		}
		known := fields(t)
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			if field, ok := known[key.Value]; ok {
				r.fits(n.Content[i+1], field, join(at, key.Value))
			} else {
				r.problem(key.Line, "unknown field %s", join(at, key.Value))
			}
		}
	case t.Kind() == reflect.Map:
		if n.Kind != yaml.MappingNode {
			r.problem(n.Line, "%s must be an object", whole)
			return
		}
		for i := 0; i < len(n.Content); i += 2 {
			r.fits(n.Content[i+1], t.Elem(), join(at, n.Content[i].Value))
		}
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		if n.Kind != yaml.SequenceNode {
			r.problem(n.Line, "%s must be a list", whole)
			return
		}
		for i, item := range n.Content {
			r.fits(item, t.Elem(), at+"["+strconv.Itoa(i)+"]")
		}
	default:
		r.leaf(n, t, at)
	}
}

func (r *reader) leaf(n *yaml.Node, t reflect.Type, at string) {
	err := fill(n, reflect.New(t).Interface())
	var wrong *json.UnmarshalTypeError
	switch kind := t.Kind(); {
	case err == nil:
	case t == reflect.TypeFor[metav1.Duration]():
		r.problem(n.Line, "%s must be a duration, such as 1m30s", at)
	case !errors.As(err, &wrong):
		r.problem(n.Line, "%s: %v", at, err)
	case kind == reflect.String && n.Kind == yaml.ScalarNode:
		r.problem(n.Line, "%s must be text: quote it", at)
	case kind == reflect.String:
		r.problem(n.Line, "%s must be text", at)
	case kind == reflect.Bool:
		r.problem(n.Line, "%s must be true or false", at)
	case kind >= reflect.Int && kind <= reflect.Uint64:
		r.problem(n.Line, "%s must be a whole number", at)
	default:
		r.problem(n.Line, "%s cannot be a %s", at, wrong.Value)
	}
}

// fields are a struct's, by the names of their json tags.
func fields(t reflect.Type) map[string]reflect.Type {
	known := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" && f.IsExported() {
			known[name] = f.Type
		}
	}
	return known
}

// value is what JSON would hold.
func value(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = value(n.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, value(item))
		}
		return list
	}
	switch n.ShortTag() {
	case "!!null", "!!bool", "!!int", "!!float":
		var scalar any
		if n.Decode(&scalar) == nil {
			return scalar
		}
	}
	return n.Value
}

// find returns the key at a path of keys and places, for its line, or the last
// one on the way that is there.
func find(n *yaml.Node, path ...string) *yaml.Node {
	last := n
	for _, step := range path {
		switch n.Kind {
		case yaml.MappingNode:
			i := 0
			for i < len(n.Content) && n.Content[i].Value != step {
				i += 2
			}
			if i >= len(n.Content) {
				return last
			}
			last, n = n.Content[i], n.Content[i+1]
		case yaml.SequenceNode:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(n.Content) {
				return last
			}
			last, n = n.Content[i], n.Content[i]
		default:
			return last
		}
	}
	return last
}

// scalar is the text of a document's field.
func scalar(n *yaml.Node, key string) string {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == key && n.Content[i+1].Kind == yaml.ScalarNode {
				return n.Content[i+1].Value
			}
		}
	}
	return ""
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}
