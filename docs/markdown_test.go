package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// A page is one Markdown file.
type page struct {
	path    string // relative to the repository, with slashes
	lines   []string
	anchors map[string]bool
	links   []link
	blocks  []block
}

// A link is one with a target in the text: [words](target).
type link struct {
	line   int
	target string
}

// A block is fenced code.
type block struct {
	line     int // of its first line of code
	language string
	run      bool // the line before the fence is the mark <!-- run -->
	code     string
}

const runMark = "<!-- run -->"

var (
	linkPattern    = regexp.MustCompile(`\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$`)
	anchorPattern  = regexp.MustCompile(`<a id="([^"]+)"></a>`)
	headingPattern = regexp.MustCompile(`^#{1,6} +(.+?) *$`)
	codePattern    = regexp.MustCompile("`[^`]*`")
)

// files returns the paths of the repository's files with one of the suffixes.
// What git does not keep is left out.
func files(t *testing.T, suffixes ...string) []string {
	t.Helper()
	root := testkit.Root(t)
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if entry.IsDir() && (name == "bin" || name == ".git" || name == "private") {
			return filepath.SkipDir
		}
		for _, suffix := range suffixes {
			if !entry.IsDir() && strings.HasSuffix(name, suffix) {
				found = append(found, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// text returns a file of the repository.
func text(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(testkit.Root(t), filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// pages reads all Markdown files of the repository.
func pages(t *testing.T) []*page {
	t.Helper()
	var all []*page
	for _, path := range files(t, ".md") {
		all = append(all, parse(path, text(t, path)))
	}
	if len(all) < 10 {
		t.Fatalf("the repository has only %d Markdown files", len(all))
	}
	return all
}

func parse(path, content string) *page {
	p := &page{path: path, lines: strings.Split(content, "\n"), anchors: map[string]bool{}}
	var open *block
	for i, line := range p.lines {
		switch fence := strings.HasPrefix(line, "```"); {
		case fence && open == nil:
			open = &block{line: i + 2, language: strings.TrimPrefix(line, "```"), run: i > 0 && p.lines[i-1] == runMark}
		case fence:
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			open.code += line + "\n"
		default:
			p.prose(i+1, line)
		}
	}
	return p
}

// prose reads a line that is not code.
func (p *page) prose(number int, line string) {
	if heading := headingPattern.FindStringSubmatch(line); heading != nil {
		slug, name := slug(heading[1]), slug(heading[1])
		for i := 1; p.anchors[name]; i++ {
			name = slug + "-" + strconv.Itoa(i)
		}
		p.anchors[name] = true
	}
	for _, anchor := range anchorPattern.FindAllStringSubmatch(line, -1) {
		p.anchors[anchor[1]] = true
	}
	for _, found := range linkPattern.FindAllStringSubmatch(codePattern.ReplaceAllString(line, ""), -1) {
		p.links = append(p.links, link{number, found[1] + found[2]})
	}
}

// slug returns the anchor that GitHub gives to a heading.
func slug(heading string) string {
	heading = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(heading, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, heading)
}

func TestMarkdownIsRead(t *testing.T) {
	p := parse("x.md", "# The `[mesh]` part, *now*\n## A\n## A\n<a id=\"x-1\"></a>[a](b.md#c) and `[no](link)`\n[Ref]: d.md\n"+
		runMark+"\n```sh\nmake [x](y)\n```\n")
	for _, anchor := range []string{"the-mesh-part-now", "a", "a-1", "x-1"} {
		if !p.anchors[anchor] {
			t.Errorf("anchor %s is missing: %v", anchor, p.anchors)
		}
	}
	if len(p.links) != 2 || p.links[0] != (link{4, "b.md#c"}) || p.links[1] != (link{5, "d.md"}) {
		t.Errorf("links %v", p.links)
	}
	if len(p.blocks) != 1 || p.blocks[0] != (block{8, "sh", true, "make [x](y)\n"}) {
		t.Errorf("blocks %v", p.blocks)
	}
}
