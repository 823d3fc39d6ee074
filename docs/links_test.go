package docs

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// GitHub shows a README whole, and people read only a short one.
const maxReadme = 12_000

func TestReadmeIsShort(t *testing.T) {
	if size := len(text(t, "README.md")); size > maxReadme {
		t.Errorf("README.md has %d bytes, more than %d: move a part of it into docs/", size, maxReadme)
	}
}

// Links to other places on the web are not followed.
func TestRelativeLinksExist(t *testing.T) {
	all := pages(t)
	anchors := map[string]map[string]bool{}
	for _, p := range all {
		anchors[p.path] = p.anchors
	}
	links := 0
	for _, p := range all {
		for _, l := range p.links {
			if strings.Contains(l.target, "://") || strings.HasPrefix(l.target, "mailto:") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(l.target, "#")
			to := p.path
			if file != "" {
				to = path.Join(path.Dir(p.path), file)
			}
			if _, err := os.Stat(filepath.Join(testkit.Root(t), filepath.FromSlash(to))); err != nil || strings.HasPrefix(to, "../") {
				t.Errorf("%s:%d: the link to %s leads to no file of the repository", p.path, l.line, l.target)
			} else if anchor != "" && !anchors[to][anchor] {
				t.Errorf("%s:%d: %s has no anchor %s", p.path, l.line, to, anchor)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d relative links are found", links)
	}
}

// A page that no other page links to is not found by anyone.
func TestEachDocumentIsLinked(t *testing.T) {
	linked := map[string]bool{}
	for _, p := range pages(t) {
		for _, l := range p.links {
			file, _, _ := strings.Cut(l.target, "#")
			linked[path.Join(path.Dir(p.path), file)] = true
		}
	}
	for _, p := range pages(t) {
		if strings.HasPrefix(p.path, "docs/") && !linked[p.path] {
			t.Errorf("no page links to %s", p.path)
		}
	}
}

// pathInText matches the path of a file of the repository, with its folder.
var pathInText = regexp.MustCompile(`\b(?:plugin|sim|cmd|e2e|fixtures|manifests|charts|docs)/[\w./-]*\.(?:go|yaml|md|sh|json|golden|ini)\b`)

// goFileInText matches the name of a Go file without its folder.
var goFileInText = regexp.MustCompile(`(?:^|[\s(\x60])([a-z_]+\.go)\b`)

// installedFile matches a file that a package installs, with the path that it has there.
var installedFile = regexp.MustCompile(`/(?:etc|run|usr)/[\w./-]*`)

// Documents name files also without a link, in pictures for example.
func TestNamedFilesExist(t *testing.T) {
	goFiles := map[string]bool{}
	for _, file := range files(t, ".go") {
		goFiles[path.Base(file)] = true
	}
	named := 0
	for _, p := range pages(t) {
		for i, line := range p.lines {
			for _, file := range goFileInText.FindAllStringSubmatch(line, -1) {
				if named++; !goFiles[file[1]] {
					t.Errorf("%s:%d: the repository has no Go file %s", p.path, i+1, file[1])
				}
			}
			for _, file := range pathInText.FindAllString(installedFile.ReplaceAllString(line, ""), -1) {
				// InterLink's own documents, and the files of the worked example in CONTRIBUTING.md.
				if strings.HasPrefix(file, "docs/docs/") || strings.HasPrefix(file, "docs/openapi/") || strings.Contains(file, "/volume-image.") {
					continue
				}
				named++
				if matches, err := filepath.Glob(filepath.Join(testkit.Root(t), filepath.FromSlash(file))); err != nil || len(matches) == 0 {
					t.Errorf("%s:%d: the repository has no file %s", p.path, i+1, file)
				}
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d files are named", named)
	}
}
