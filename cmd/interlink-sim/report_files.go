package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
)

// reportFormats are the formats of --report.
var reportFormats = map[string]func(*report.Report) func(io.Writer) error{
	"json":  func(r *report.Report) func(io.Writer) error { return r.JSON },
	"html":  func(r *report.Report) func(io.Writer) error { return r.HTML },
	"junit": func(r *report.Report) func(io.Writer) error { return r.JUnit },
}

// reportFile is one FORMAT=FILE of --report.
type reportFile struct{ format, path string }

func parseReportFiles(texts []string) ([]reportFile, error) {
	var files []reportFile
	for _, text := range texts {
		format, path, found := strings.Cut(text, "=")
		if !found || path == "" || reportFormats[format] == nil {
			return nil, invalidf("--report %s: want junit=FILE, json=FILE or html=FILE", text)
		}
		if slices.ContainsFunc(files, func(f reportFile) bool { return f.path == path }) {
			return nil, invalidf("--report names the file %s twice", path)
		}
		files = append(files, reportFile{format, path})
	}
	return files, nil
}

// writeReports writes all files, also if one of them cannot be written.
func writeReports(result *report.Report, files []reportFile) error {
	var errs []error
	for _, f := range files {
		err := os.MkdirAll(filepath.Dir(f.path), 0o755)
		if err == nil {
			err = writeFile(f.path, reportFormats[f.format](result))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// readExpectedFailures reads the file of --expected-failures. Each name must be one of a
// scenario: a list that names none would expect nothing.
func readExpectedFailures(path string, known []string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, invalid{err}
	}
	defer file.Close() //nolint:errcheck // it is only read
	names, err := report.ReadExpectedFailures(file)
	if err != nil {
		return nil, invalidf("--expected-failures %s: %w", path, err)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, invalidf("--expected-failures %s: there is no scenario %s", path, name)
		}
	}
	return names, nil
}

func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		_ = file.Close() // the first error explains more
		return fmt.Errorf("write %s: %w", path, err)
	}
	return file.Close()
}
