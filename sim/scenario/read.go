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
)

// Read reads a scenario file. The error lists all problems of the file, one a line,
// each as path:line: text.
func Read(path string) (*File, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, content)
}

// ReadAll reads scenario files, and all files *.yaml and *.yml of folders, sorted by
// path. The names of all scenarios must differ.
func ReadAll(paths ...string) ([]*File, error) {
	var expanded []string
	for _, path := range paths {
		files, err := expand(path)
		if err != nil {
			return nil, err
		}
		expanded = append(expanded, files...)
	}
	slices.Sort(expanded)
	var files []*File
	var problems []error
	pathOf := map[string]string{}
	for _, path := range slices.Compact(expanded) {
		file, err := Read(path)
		switch {
		case err != nil:
			problems = append(problems, err)
		case pathOf[file.Name] != "":
			problems = append(problems, fmt.Errorf("%s: the name %s is already used by %s", path, file.Name, pathOf[file.Name]))
		default:
			pathOf[file.Name] = path
			files = append(files, file)
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return files, nil
}

// expand returns the scenario files of a folder, or the path of a file.
func expand(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{filepath.Clean(path)}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		if extension := filepath.Ext(entry.Name()); !entry.IsDir() && (extension == ".yaml" || extension == ".yml") {
			files = append(files, filepath.Join(path, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: the folder has no file *.yaml", path)
	}
	return files, nil
}

// Parse reads the content of a scenario file. The path gives the scenario its name
// and appears in errors.
func Parse(path string, content []byte) (*File, error) {
	r := &reader{path: path, file: File{Path: path}, taken: map[string]bool{}}
	if err := r.documents(content); err != nil {
		return nil, err
	}
	if len(r.problems) == 0 && r.scenario == nil {
		r.problem(1, "the file has no document of kind %s (apiVersion: %s)", Kind, APIVersion)
	}
	return r.finish()
}

// ParseManifests reads the content of any file of manifests. It differs from Parse:
// the Scenario document may be absent, and documents of other kinds are skipped.
func ParseManifests(path string, content []byte) (*File, error) {
	r := &reader{path: path, file: File{Path: path}, taken: map[string]bool{}, skipOtherKinds: true}
	if err := r.documents(content); err != nil {
		return nil, err
	}
	return r.finish()
}

// reader reads one file, and collects its problems.
type reader struct {
	file           File
	path           string
	scenario       *yaml.Node      // the Scenario document; nil until it is found
	taken          map[string]bool // kinds and names of the manifests so far
	skipOtherKinds bool
	problems       []problem
}

type problem struct {
	line int
	text string
}

func (r *reader) problem(line int, format string, args ...any) {
	r.problems = append(r.problems, problem{line, fmt.Sprintf(format, args...)})
}

// documents reads all documents. The error is for a file that is not YAML.
func (r *reader) documents(content []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			r.syntaxError(err)
			return r.err()
		}
		if node.Kind == yaml.DocumentNode && node.Content[0].ShortTag() != "!!null" {
			r.document(node.Content[0])
		}
	}
}

// finish checks the scenario, if every document could be read, and returns the file.
func (r *reader) finish() (*File, error) {
	r.file.Name = cmp.Or(r.file.Name, strings.TrimSuffix(filepath.Base(r.path), filepath.Ext(r.path)))
	if len(r.problems) == 0 && r.scenario != nil {
		r.checkScenario()
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return &r.file, nil
}

var (
	yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)
	// lineTooSmall matches messages whose line is too small by one.
	lineTooSmall = regexp.MustCompile(`^did not find expected (key|'-' indicator|',' or|<)`)
)

// syntaxError reports an error of the YAML library at its line.
func (r *reader) syntaxError(err error) {
	text, line := err.Error(), 1
	if match := yamlLine.FindStringSubmatch(text); match != nil {
		line, _ = strconv.Atoi(match[1]) // the pattern matches digits only
		if text = text[len(match[0]):]; lineTooSmall.MatchString(text) {
			line++
		}
	}
	r.problem(line, "not YAML: %s", strings.TrimPrefix(text, "yaml: "))
}

// err joins the problems in the order of their lines.
func (r *reader) err() error {
	slices.SortStableFunc(r.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, p := range slices.Compact(r.problems) {
		errs = append(errs, fmt.Errorf("%s:%d: %s", r.path, p.line, p.text))
	}
	return errors.Join(errs...)
}
