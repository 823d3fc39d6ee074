package nstemplate

import (
	"bufio"
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Template is the template of remote namespaces. The nil Template has no objects.
type Template struct {
	hash    string
	objects []manifest
}

// manifest is one object of a template.
type manifest struct {
	kind    kind
	content map[string]any
	// roleRef is the role that a RoleBinding grants.
	roleRef rbacv1.RoleRef
}

// Parse reads a template: manifests in YAML or JSON, separated by lines of three dashes.
// Its errors name all problems, and quote no value of a Secret.
func Parse(text []byte) (*Template, error) {
	t := &Template{}
	var problems []error
	seen := map[string]bool{}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for number := 1; ; number++ {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
		m, err := parseManifest(document)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("document %d: %w", number, err))
		case m == nil:
			continue // nothing but comments
		case seen[m.String()]:
			problems = append(problems, fmt.Errorf("document %d: %s is there twice", number, m))
		default:
			seen[m.String()] = true
			t.objects = append(t.objects, *m)
		}
	}
	if len(problems) == 0 && len(t.objects) == 0 {
		problems = append(problems, errors.New("there is no manifest in it"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	var err error
	t.hash, err = hashOf(t.objects)
	return t, err
}

// parseManifest reads one document, which may be empty. Its errors name the object.
func parseManifest(document []byte) (*manifest, error) {
	encoded, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return nil, errors.New(strings.Join(strings.Fields(withoutValues(err.Error())), " "))
	}
	var content map[string]any
	if err := utiljson.Unmarshal(encoded, &content); err != nil {
		return nil, errors.New("it is not an object")
	}
	if len(content) == 0 {
		return nil, nil
	}
	apiVersion, _ := content["apiVersion"].(string)
	name, _ := content["kind"].(string)
	k, ok := findKind(apiVersion, name)
	if !ok {
		return nil, fmt.Errorf("a namespace template cannot have the kind %q of %q: it can have %s", name, apiVersion, allowedKinds())
	}
	typed, _, err := strict.Decode(encoded, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	m := &manifest{kind: k, content: content}
	if binding, ok := typed.(*rbacv1.RoleBinding); ok {
		m.roleRef = binding.RoleRef
	}
	if problems := m.check(typed); len(problems) > 0 {
		return nil, fmt.Errorf("%s: %w", m, errors.Join(problems...))
	}
	return m, nil
}

// quoted are the values in the errors of the YAML parser.
var quoted = regexp.MustCompile("`[^`]*`?|'[^']*'?")

// withoutValues removes the values from an error: they may be those of a Secret.
func withoutValues(text string) string { return quoted.ReplaceAllString(text, "a value") }

// metadata returns the metadata of the object.
func (m *manifest) metadata() map[string]any {
	meta, _ := m.content["metadata"].(map[string]any)
	return meta
}

// name returns the name of the object, in which placeholders may be.
func (m *manifest) name() string {
	name, _ := m.metadata()["name"].(string)
	return name
}

// String names the object for people.
func (m *manifest) String() string { return m.kind.name + " " + m.name() }

// hasSecrets reports whether the object is a Secret with data.
func (m *manifest) hasSecrets() bool {
	return m.kind.resource == "secrets" && (m.content["data"] != nil || m.content["stringData"] != nil)
}

// Hash returns a text that another template does not have. It is a valid label value, and
// empty for the nil Template.
func (t *Template) Hash() string {
	if t == nil {
		return ""
	}
	return t.hash
}

const (
	// hashFormat changes when the plugin creates other objects from the same template.
	hashFormat = "1"
	// hashLength is the length of a hash in bytes.
	hashLength = 16
	// guesses is how often the hash of a template with Secrets is repeated. People who may
	// read the namespace but not its Secrets can see the hash, and could try passwords.
	guesses = 200_000
)

func hashOf(objects []manifest) (string, error) {
	contents := make([]map[string]any, len(objects))
	for i := range objects {
		contents[i] = objects[i].content
	}
	text, err := json.Marshal(contents)
	if err != nil {
		return "", fmt.Errorf("hash the template: %w", err)
	}
	repeat := 1
	if slices.ContainsFunc(objects, func(m manifest) bool { return m.hasSecrets() }) {
		repeat = guesses
	}
	hash, err := pbkdf2.Key(sha256.New, string(text), []byte(hashFormat), repeat, hashLength)
	if err != nil {
		return "", fmt.Errorf("hash the template: %w", err)
	}
	return hex.EncodeToString(hash), nil
}

// Object is an object of a remote namespace.
type Object struct {
	// Kind and Name name it for people; Resource is the plural name for its URL.
	Kind, Resource, Name string
	// Manifest is the whole object, as JSON.
	Manifest []byte
}

// Objects returns the objects for a remote namespace, in the order of the file.
func (t *Template) Objects(local, remote string) ([]Object, error) {
	if t == nil {
		return nil, nil
	}
	objects := make([]Object, len(t.objects))
	for i := range t.objects {
		m := &t.objects[i]
		content := m.render(names{local, remote}, t.hash)
		encoded, err := json.Marshal(content)
		if err != nil {
			return nil, fmt.Errorf("%s of the namespace template: %w", m, err)
		}
		name, _ := content["metadata"].(map[string]any)["name"].(string)
		objects[i] = Object{Kind: m.kind.name, Resource: m.kind.resource, Name: name, Manifest: encoded}
	}
	return objects, nil
}

// clone returns a deep copy of the content of an object.
func (m *manifest) clone() map[string]any { return runtime.DeepCopyJSON(m.content) }
