package plugin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// The options that name files whose content belongs to the configuration. Credentials and the token of the page are read
// again by what uses them.
const (
	optionClaims            = "[offloading] claims"
	optionPlacement         = "[offloading] placement"
	optionNamespaceTemplate = "[offloading] namespace_template"
	optionTemplateDir       = "[mesh] template_dir"
)

// digestOf returns a text that changes when the configuration file or a file that it names changes.
func digestOf(parsed *config.ParseResult) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s\n", parsed.Path, fileDigest(parsed.Path))
	files := filesOf(parsed.Config)
	for _, option := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&text, "%s %s\n", option, files[option])
	}
	return text.String()
}

// filesOf returns the digests of the contents of the files that a configuration names, by option.
func filesOf(cfg config.Config) map[string]string {
	files := map[string]string{}
	for option, path := range map[string]string{
		optionClaims: rulesPath(cfg.Offloading.Claims), optionPlacement: rulesPath(cfg.Offloading.Placement),
		optionNamespaceTemplate: cfg.Offloading.NamespaceTemplate,
	} {
		if path != "" {
			files[option] = fileDigest(path)
		}
	}
	if dir := cfg.Mesh.TemplateDir; dir != "" {
		files[optionTemplateDir] = folderDigest(dir)
	}
	return files
}

// sameOptions returns the options that have a file in both, in order.
func sameOptions(before, after map[string]string) []string {
	var both []string
	for _, option := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[option]; ok {
			both = append(both, option)
		}
	}
	return both
}

// rulesPath returns the path of a file of rules; "" if the option has the rules themselves, or none.
func rulesPath(value string) string {
	value = strings.TrimSpace(value)
	if strings.HasPrefix(value, "[") || strings.HasPrefix(value, "{") {
		return ""
	}
	return value
}

// fileDigest returns a digest of a file's content, or why it cannot be read.
func fileDigest(path string) string {
	sum := sha256.New()
	add(sum, path)
	return hex.EncodeToString(sum.Sum(nil))
}

// folderDigest returns a digest of the files in a folder.
func folderDigest(dir string) string {
	sum := sha256.New()
	entries, err := os.ReadDir(dir)
	if err != nil {
		_, _ = io.WriteString(sum, err.Error())
	}
	for _, entry := range entries {
		if entry.IsDir() || strings.HasPrefix(entry.Name(), ".") { // as for the scripts
			continue
		}
		_, _ = fmt.Fprintf(sum, "\n%q ", entry.Name())
		add(sum, filepath.Join(dir, entry.Name()))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func add(sum hash.Hash, path string) {
	content, err := os.ReadFile(path)
	if err != nil {
		content = []byte("error " + err.Error())
	}
	_, _ = fmt.Fprintf(sum, "%d\n", len(content))
	_, _ = sum.Write(content)
}

// lines returns the single mistakes of an error that joins several, each on one line.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}
