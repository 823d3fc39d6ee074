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

// renamed maps former fields of the format to their new names.
var renamed = map[string]string{"spec.site": "spec.remoteSetup"}

// decode reads a document into a type by its json tags. Unknown fields and wrong
// types are problems. Kubernetes' own strict decoder does not report lines.
func decode[T any](r *reader, n *yaml.Node) (*T, bool) {
	before, object := len(r.problems), new(T)
	r.decode(n, reflect.ValueOf(object).Elem(), "")
	return object, len(r.problems) == before
}

// checkSyntax reports YAML that Kubernetes reads in another way or not at all, and
// keys that are set twice.
func (r *reader) checkSyntax(n *yaml.Node) bool {
	before := len(r.problems)
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.problem(n.Line, "anchors and aliases (& and *) are not supported: repeat the text")
		return false
	case n.Kind == yaml.ScalarNode && n.Style == 0 &&
		slices.Contains([]string{"yes", "no", "on", "off", "y", "n"}, strings.ToLower(n.Value)):
		r.problem(n.Line, "Kubernetes reads %s as true or false: write true or false, or quote it", n.Value)
	case n.Kind == yaml.MappingNode:
		lines := map[string]int{}
		for i := 0; i < len(n.Content); i += 2 {
			switch key := n.Content[i]; {
			case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge":
				r.problem(key.Line, "a key must be plain text")
			case lines[key.Value] > 0:
				r.problem(key.Line, "%s is set twice: first in line %d", key.Value, lines[key.Value])
			default:
				lines[key.Value] = key.Line
			}
		}
	}
	for _, child := range n.Content {
		r.checkSyntax(child)
	}
	return len(r.problems) == before
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// decode sets a value from a node. The path, such as spec.nodes, is for problems;
// that of the document is "".
func (r *reader) decode(n *yaml.Node, into reflect.Value, path string) {
	if n.ShortTag() == "!!null" {
		return
	}
	for into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	t := into.Type()
	switch {
	case reflect.PointerTo(t).Implements(unmarshaler):
		r.decodeLeaf(n, into, path)
	case t.Kind() == reflect.Struct:
		if r.hasKind(n, yaml.MappingNode, "an object", path) {
			r.decodeStruct(n, into, path)
		}
	case t.Kind() == reflect.Map:
		if !r.hasKind(n, yaml.MappingNode, "an object", path) {
			return
		}
		into.Set(reflect.MakeMapWithSize(t, len(n.Content)/2))
		for i := 0; i < len(n.Content); i += 2 {
			key, item := n.Content[i].Value, reflect.New(t.Elem()).Elem()
			r.decode(n.Content[i+1], item, join(path, key))
			into.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), item)
		}
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		if !r.hasKind(n, yaml.SequenceNode, "a list", path) {
			return
		}
		into.Set(reflect.MakeSlice(t, len(n.Content), len(n.Content)))
		for i, item := range n.Content {
			r.decode(item, into.Index(i), path+"["+strconv.Itoa(i)+"]")
		}
	default:
		r.decodeLeaf(n, into, path)
	}
}

func (r *reader) hasKind(n *yaml.Node, kind yaml.Kind, what, path string) bool {
	if n.Kind == kind {
		return true
	}
	if path == "" {
		path = "the document"
	}
	r.problem(n.Line, "%s must be %s", path, what)
	return false
}

func (r *reader) decodeStruct(n *yaml.Node, into reflect.Value, path string) {
	fields := jsonFields(into.Type())
	for i := 0; i < len(n.Content); i += 2 {
		key, name := n.Content[i], join(path, n.Content[i].Value)
		switch index, ok := fields[key.Value]; {
		case ok:
			r.decode(n.Content[i+1], into.FieldByIndex(index), name)
		case renamed[name] != "":
			r.problem(key.Line, "the field %s is now called %s", name, renamed[name])
		default:
			r.problem(key.Line, "unknown field %s", name)
		}
	}
}

// jsonFields returns the fields of a struct by the names in their json tags.
func jsonFields(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" && f.IsExported() {
			fields[name] = f.Index
		}
	}
	return fields
}

// decodeLeaf sets a value through its JSON form: a scalar, or a type that reads JSON
// itself.
func (r *reader) decodeLeaf(n *yaml.Node, into reflect.Value, path string) {
	value, err := jsonValue(n)
	if err == nil {
		err = unmarshal(value, into)
	}
	var wrong *json.UnmarshalTypeError
	switch kind := into.Kind(); {
	case err == nil:
	case into.Type() == reflect.TypeFor[metav1.Duration]():
		r.problem(n.Line, "%s must be a duration, such as 1m30s", path)
	case !errors.As(err, &wrong):
		r.problem(n.Line, "%s: %v", path, err)
	case kind == reflect.String && n.Kind == yaml.ScalarNode:
		r.problem(n.Line, "%s must be text: quote it", path)
	case kind == reflect.String:
		r.problem(n.Line, "%s must be text", path)
	case kind == reflect.Bool:
		r.problem(n.Line, "%s must be true or false", path)
	case kind >= reflect.Int && kind <= reflect.Uint64:
		r.problem(n.Line, "%s must be a whole number", path)
	default:
		r.problem(n.Line, "%s cannot be a %s", path, wrong.Value)
	}
}

func unmarshal(value any, into reflect.Value) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into.Addr().Interface())
}

// jsonValue returns the node as encoding/json represents it. It is the only place
// that decodes a scalar.
func jsonValue(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			item, err := jsonValue(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			object[n.Content[i].Value] = item
		}
		return object, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, node := range n.Content {
			item, err := jsonValue(node)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, nil
	}
	var scalar any
	if err := n.Decode(&scalar); err != nil {
		return nil, errors.New(n.Value + " is not of type " + strings.TrimPrefix(n.ShortTag(), "!!"))
	}
	switch scalar.(type) {
	case nil, bool, int, int64, uint64, float64:
		return scalar, nil
	}
	return n.Value, nil // text, and times, which the API takes as text
}

// find returns the key at a path of keys and list indexes, for its line. If the path
// does not exist, it is the last existing key on the path.
func find(n *yaml.Node, path ...string) *yaml.Node {
	last := n
	for _, step := range path {
		key, value := child(n, step)
		if value == nil {
			return last
		}
		last, n = key, value
	}
	return last
}

// child returns the key and the value of a field or list item; nil if there is none.
func child(n *yaml.Node, step string) (key, value *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i], n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
	}
	return nil, nil
}

// text returns the text of a document's field, or "".
func text(n *yaml.Node, key string) string {
	if _, value := child(n, key); value != nil && value.Kind == yaml.ScalarNode {
		return value.Value
	}
	return ""
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
