package scenario

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
)

// Read reads one file. Its error names all that is wrong with it, one problem a
// line, each as path:line: words.
func Read(path string) (*File, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, content)
}

// ReadAll reads files, and of folders every file *.yaml and *.yml in them, sorted
// by path. No two may have one name.
func ReadAll(paths ...string) ([]*File, error) {
	var found []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			found = append(found, filepath.Clean(path))
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		before := len(found)
		for _, entry := range entries {
			if extension := filepath.Ext(entry.Name()); !entry.IsDir() && (extension == ".yaml" || extension == ".yml") {
				found = append(found, filepath.Join(path, entry.Name()))
			}
		}
		if len(found) == before {
			return nil, fmt.Errorf("%s: no file *.yaml in this folder", path)
		}
	}
	slices.Sort(found)
	var files []*File
	var problems []error
	names := map[string]string{}
	for _, path := range slices.Compact(found) {
		file, err := Read(path)
		switch {
		case err != nil:
			problems = append(problems, err)
		case names[file.Name] != "":
			problems = append(problems, fmt.Errorf("%s: %s is a scenario called %s, too", path, names[file.Name], file.Name))
		default:
			names[file.Name] = path
			files = append(files, file)
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return files, nil
}

// document is the Scenario document as it stands in a file.
type document struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name,omitempty"`
	} `json:"metadata,omitempty"`
	Spec Scenario `json:"spec"`
}

// reader is one file on its way.
type reader struct {
	file     File
	path     string
	scenario *yaml.Node      // the Scenario document, nil until it is found
	taken    map[string]bool // kinds and names of manifests
	problems []problem
}

type problem struct {
	line int
	text string
}

func (r *reader) problem(line int, format string, args ...any) {
	r.problems = append(r.problems, problem{line, fmt.Sprintf(format, args...)})
}

// Parse reads the content of a file; its path is for the name and the words.
func Parse(path string, content []byte) (*File, error) {
	r := &reader{path: path, file: File{Path: path}, taken: map[string]bool{}}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.syntax(err)
			return nil, r.err()
		}
		if node.Kind == yaml.DocumentNode && node.Content[0].ShortTag() != "!!null" {
			r.document(node.Content[0])
		}
	}
	switch {
	case len(r.problems) > 0: // what refers to what cannot be said then
	case r.scenario == nil:
		r.problem(1, "there is no document of kind %s (apiVersion: %s)", Kind, APIVersion)
	default:
		r.file.Name = cmp.Or(r.file.Name, strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
		r.check()
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return &r.file, nil
}

var (
	yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)
	// oneBefore are words that the YAML reader says with a line too small by one.
	oneBefore = regexp.MustCompile(`^did not find expected (key|'-' indicator|',' or|<)`)
)

// syntax takes the line out of the words of the YAML reader.
func (r *reader) syntax(err error) {
	text, line := err.Error(), 1
	if match := yamlLine.FindStringSubmatch(text); match != nil {
		line, _ = strconv.Atoi(match[1]) // digits, as the pattern says
		if text = text[len(match[0]):]; oneBefore.MatchString(text) {
			line++
		}
	}
	r.problem(line, "not YAML: %s", strings.TrimPrefix(text, "yaml: "))
}

// err joins the problems in the order of their lines.
func (r *reader) err() error {
	slices.SortStableFunc(r.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	var all []error
	for _, p := range slices.Compact(r.problems) {
		all = append(all, fmt.Errorf("%s:%d: %s", r.path, p.line, p.text))
	}
	return errors.Join(all...)
}

// document reads one document by its kind.
func (r *reader) document(n *yaml.Node) {
	if !r.plain(n) {
		return
	}
	version, kind := scalar(n, "apiVersion"), scalar(n, "kind")
	if kind == Kind {
		r.readScenario(n, version)
		return
	}
	switch kind {
	case "Pod", "ConfigMap", "Secret", "PersistentVolumeClaim":
		if version != "v1" {
			r.problem(find(n, "apiVersion").Line, "apiVersion of a %s is v1, not %q", kind, version)
			return
		}
	case "":
		r.problem(n.Line, "a document needs apiVersion and kind")
		return
	default:
		r.problem(find(n, "kind").Line, "kind %s is none of %s, Pod, ConfigMap, Secret, PersistentVolumeClaim", kind, Kind)
		return
	}
	switch kind {
	case "Pod":
		if pod, ok := decode[corev1.Pod](r, n); ok && r.manifest(n, kind, &pod.ObjectMeta) {
			r.containers(n, pod)
			r.file.Pods = append(r.file.Pods, *pod)
		}
	case "ConfigMap":
		if object, ok := decode[corev1.ConfigMap](r, n); ok && r.manifest(n, kind, &object.ObjectMeta) {
			r.file.ConfigMaps = append(r.file.ConfigMaps, *object)
		}
	case "Secret":
		if object, ok := decode[corev1.Secret](r, n); ok && r.manifest(n, kind, &object.ObjectMeta) {
			storeText(object)
			r.file.Secrets = append(r.file.Secrets, *object)
		}
	case "PersistentVolumeClaim":
		if object, ok := decode[corev1.PersistentVolumeClaim](r, n); ok && r.manifest(n, kind, &object.ObjectMeta) {
			r.file.Claims = append(r.file.Claims, *object)
		}
	}
}

func (r *reader) readScenario(n *yaml.Node, version string) {
	switch {
	case version != APIVersion:
		r.problem(find(n, "apiVersion").Line, "apiVersion of a %s is %s, not %q", Kind, APIVersion, version)
	case r.scenario != nil:
		r.problem(n.Line, "a second %s: the first is in line %d", Kind, r.scenario.Line)
	default:
		r.scenario = n
		if d, ok := decode[document](r, n); ok {
			r.file.Name, r.file.Scenario = d.Metadata.Name, d.Spec
		}
	}
}

// storeText moves stringData to data, as the API server does.
func storeText(secret *corev1.Secret) {
	for key, value := range secret.StringData {
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		secret.Data[key] = []byte(value)
	}
	secret.StringData = nil
}
