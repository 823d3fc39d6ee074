package mesh

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // known_texts.json
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync"
)

// Text is a mesh script without its variables. It tells whether a script is this text
// with other values, and then takes the values. Nothing of the text itself is kept: its
// parts are known by their hashes, so a text of another project can be known too.
type Text struct {
	Name  string `json:"name"`
	Parts []part `json:"parts"`
}

// part is a constant part of a text, and the variable that follows it.
type part struct {
	Length int    `json:"length"` // in bytes
	SHA256 string `json:"sha256"`
	// Begin is the first byte of the part. It makes the search for the end of a value
	// fast, and is empty for an empty part.
	Begin string `json:"begin,omitempty"`
	// Variable is empty for the last part.
	Variable string `json:"variable,omitempty"`
}

// variableMark matches a variable in a template, as InterLink's virtual kubelet fills it
// in.
var variableMark = regexp.MustCompile(`\{\{ ?\.([A-Za-z][A-Za-z0-9]*) ?\}\}`)

// NewText returns the text of a template for InterLink's virtual kubelet
// (Network.meshScriptTemplatePath).
func NewText(name, template string) (Text, error) {
	script, _, err := ExtractScript(template)
	if err == nil && script == "" {
		err = errors.New("it has no line cat <<'" + endMark + "' > $TMPDIR/mesh.sh")
	}
	if err != nil {
		return Text{}, fmt.Errorf("template %s: %w", name, err)
	}
	text := Text{Name: name}
	at := 0
	for _, mark := range variableMark.FindAllStringSubmatchIndex(script, -1) {
		if mark[0] == at && at > 0 {
			return Text{}, fmt.Errorf("template %s: nothing is between two variables", name)
		}
		text.add(script[at:mark[0]], script[mark[2]:mark[3]])
		at = mark[1]
	}
	text.add(script[at:], "")
	if strings.Contains(variableMark.ReplaceAllLiteralString(script, ""), "{{") {
		return Text{}, fmt.Errorf("template %s: only variables of the form {{.NAME}} are supported", name)
	}
	for _, required := range requiredVariables {
		if !text.has(required) {
			return Text{}, fmt.Errorf("template %s: the variable {{.%s}} is missing", name, required)
		}
	}
	return text, nil
}

func (t *Text) add(constant, variable string) {
	sum := sha256.Sum256([]byte(constant))
	t.Parts = append(t.Parts, part{
		Length: len(constant), SHA256: hex.EncodeToString(sum[:]), Begin: constant[:min(1, len(constant))], Variable: variable,
	})
}

func (t *Text) has(variable string) bool {
	for _, p := range t.Parts {
		if p.Variable == variable {
			return true
		}
	}
	return false
}

// values returns the values of the variables in a script. It reports false if the script
// is another text.
func (t *Text) values(script string) (map[string]string, bool) {
	values := map[string]string{}
	for i, p := range t.Parts {
		if !p.begins(script) {
			return nil, false
		}
		script = script[p.Length:]
		if i == len(t.Parts)-1 {
			break
		}
		end := t.Parts[i+1].find(script, i+1 == len(t.Parts)-1)
		if end < 0 {
			return nil, false
		}
		value := script[:end]
		if earlier, found := values[p.Variable]; found && earlier != value {
			return nil, false
		}
		values[p.Variable] = value
		script = script[end:]
	}
	return values, script == ""
}

// begins reports whether a script begins with the part.
func (p *part) begins(script string) bool {
	if len(script) < p.Length {
		return false
	}
	sum := sha256.Sum256([]byte(script[:p.Length]))
	return hex.EncodeToString(sum[:]) == p.SHA256
}

// maxTries limits how many ends of a value are tried. A WireGuard configuration, the
// longest value, has ten lines.
const maxTries = 100

// find returns where the part begins in a script, or -1. The last part of a text is at the
// end of the script.
func (p *part) find(script string, last bool) int {
	if last {
		if at := len(script) - p.Length; at >= 0 && p.begins(script[at:]) {
			return at
		}
		return -1
	}
	at := 0
	for range maxTries {
		next := strings.Index(script[at:], p.Begin)
		if next < 0 {
			return -1
		}
		at += next
		if p.begins(script[at:]) {
			return at
		}
		at++
	}
	return -1
}

// ReadTexts returns the texts of all templates in a folder.
func ReadTexts(folder fs.FS) ([]Text, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, err
	}
	var texts []Text
	for _, entry := range entries {
		if entry.IsDir() || strings.HasPrefix(entry.Name(), ".") { // a mounted ConfigMap has folders with dots
			continue
		}
		template, err := fs.ReadFile(folder, entry.Name())
		if err != nil {
			return nil, err
		}
		text, err := NewText(entry.Name(), string(template))
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

//go:embed known_texts.json
var knownTextsJSON []byte

// knownTexts returns the texts that every site knows: InterLink's standard script, and
// manifests/mesh-script.yaml in all its versions.
var knownTexts = sync.OnceValue(func() []Text {
	var texts []Text
	decoder := json.NewDecoder(bytes.NewReader(knownTextsJSON))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&texts); err != nil {
		panic(err)
	}
	return texts
})
