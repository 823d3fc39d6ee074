package docs

import (
	"os"
	"path"
	"path/filepath"
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
