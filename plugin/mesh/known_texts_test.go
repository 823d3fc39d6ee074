package mesh

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var (
	addTemplate = flag.String("add-template", "", "add the hashes of this template of a mesh script (a file, or a ConfigMap with it) to known_texts.json")
	addName     = flag.String("add-name", "", "name of the template of -add-template")
)

// TestKnownTexts checks known_texts.json, and adds a template to it:
//
//	go test ./plugin/mesh -run TestKnownTexts -add-name "InterLink 0.6" -add-template mesh.sh
func TestKnownTexts(t *testing.T) {
	texts := knownTexts()
	if *addTemplate != "" {
		content, err := os.ReadFile(*addTemplate)
		if err != nil {
			t.Fatal(err)
		}
		template := string(content)
		if strings.HasSuffix(*addTemplate, ".yaml") {
			var object struct{ Data map[string]string }
			if err := yaml.Unmarshal(content, &object); err != nil {
				t.Fatal(err)
			}
			for _, template = range object.Data {
			}
		}
		text, err := NewText(*addName, template)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
		all, err := json.MarshalIndent(texts, "", " ")
		if err == nil {
			err = os.WriteFile("known_texts.json", append(all, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	names := map[string]bool{}
	for i := range texts {
		text := &texts[i]
		if text.Name == "" || names[text.Name] {
			t.Errorf("text %d has no name of its own: %q", i, text.Name)
		}
		names[text.Name] = true
		for _, variable := range requiredVariables {
			if !text.has(variable) {
				t.Errorf("%s has no variable %s", text.Name, variable)
			}
		}
		for j, p := range text.Parts {
			last := j == len(text.Parts)-1
			if (p.Variable == "") != last || (p.Begin == "") != (p.Length == 0) || (p.Length == 0 && j > 0 && !last) {
				t.Errorf("%s: part %d is %+v", text.Name, j, p)
			}
		}
	}
}
