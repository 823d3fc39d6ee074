package docs

import (
	"regexp"
	"strings"
	"testing"
)

// The texts that the page on troubleshooting quotes are those that the plugin has:
// in the sections whose tables have a column Text, each quotation in that column
// is found in the plugin's sources. Texts of the remote API server say so.
func TestQuotedTextsExist(t *testing.T) {
	var sources strings.Builder
	for _, path := range files(t, ".go", "/run.sh", "manifests/mesh-script.yaml") {
		ours := strings.HasPrefix(path, "plugin/") || strings.HasPrefix(path, "cmd/") || strings.HasPrefix(path, "manifests/")
		if ours && !strings.HasSuffix(path, "_test.go") {
			sources.WriteString(text(t, path))
		}
	}
	all := sources.String()
	quotation := regexp.MustCompile("`([^`]+)`")
	placeholder := regexp.MustCompile(`<[^>]*>`)
	found, isText := 0, false
	for i, line := range strings.Split(text(t, "docs/troubleshooting.md"), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			isText = false
			continue
		}
		if strings.TrimSpace(cells[1]) == "Text" {
			isText = true
			continue
		}
		if !isText || strings.Contains(cells[1], "from the remote API server") {
			continue
		}
		for _, quoted := range quotation.FindAllStringSubmatch(cells[1], -1) {
			for _, part := range placeholder.Split(quoted[1], -1) {
				if part = strings.TrimSpace(part); len(part) < 4 {
					continue
				}
				found++
				if !strings.Contains(all, part) {
					t.Errorf("docs/troubleshooting.md:%d: no source of the plugin holds %q", i+1, part)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d quotations are found", found)
	}
}
