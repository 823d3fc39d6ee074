package judge

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// minSecret is the length from which a content of a Secret is looked for inside of other
// texts: shorter ones, such as "1", are part of many.
const minSecret = 4

// minLine is the length from which a single line of a content is looked for: a shorter one, such as
// the beginning of a block of PEM, can be part of other texts.
const minLine = 12

// secrets are contents that no difference quotes, since reports are kept and sent to others.
type secrets []string

// secretsOf returns the contents of Secrets.
func secretsOf(objects []corev1.Secret) secrets {
	var found secrets
	for i := range objects {
		for _, content := range objects[i].Data {
			found = append(found, string(content))
		}
		for _, content := range objects[i].StringData {
			found = append(found, content)
		}
	}
	return found
}

// holds reports whether a text is one of the contents, or contains one.
func (s secrets) holds(text string) bool {
	for _, content := range s {
		if content != "" && text == content {
			return true
		}
		if len(content) >= minSecret && slices.ContainsFunc(forms(content), func(form string) bool { return strings.Contains(text, form) }) {
			return true
		}
	}
	return false
}

// HideSecrets replaces in a text what the Secrets of a scenario contain: an answer of a plugin,
// an error or a manifest can repeat it, also quoted, encoded or cut.
func HideSecrets(file *scenario.File, text string) string {
	type hidden struct{ form, content string }
	var all []hidden
	for _, content := range secretsOf(file.Secrets) {
		parts := []string{content}
		for line := range strings.Lines(content) { // a log or a message shows single lines
			if line = strings.TrimSpace(line); len(line) >= minLine && line != content {
				parts = append(parts, line)
			}
		}
		for _, part := range parts {
			if len(part) < minSecret {
				continue
			}
			for _, form := range forms(part) {
				all = append(all, hidden{form, content})
			}
		}
	}
	// One content can be a part of another: the longest goes first, or the rest of it would stay.
	slices.SortStableFunc(all, func(a, b hidden) int { return cmp.Compare(len(b.form), len(a.form)) })
	for _, h := range all {
		text = hideCut(text, h.form)
	}
	for _, h := range all {
		text = strings.ReplaceAll(text, h.form, "("+fingerprint(h.content)+")")
	}
	return text
}

// forms returns how a content can stand in a text: as it is, without white space around it or with
// each $$ replaced, in quotes or in JSON, and each of them in HTML or not.
func forms(content string) []string {
	found := []string{base64.StdEncoding.EncodeToString([]byte(content))}
	for _, text := range []string{content, strings.TrimSpace(content), strings.ReplaceAll(content, "$$", "$")} {
		if len(text) < minSecret {
			continue
		}
		quoted := strconv.Quote(text)
		inJSON, _ := json.Marshal(text) // a string always marshals
		for _, form := range []string{text, quoted[1 : len(quoted)-1], string(inJSON[1 : len(inJSON)-1])} {
			found = append(found, form, html.EscapeString(form))
		}
	}
	return found
}

// hideCut removes the beginning of a content at the end of a text that was cut (shorten).
func hideCut(text, content string) string {
	begin, cut := strings.CutSuffix(text, "...")
	if !cut {
		return text
	}
	for n := min(len(content), len(begin)); n >= minSecret; n-- {
		if strings.HasSuffix(begin, content[:n]) {
			return begin[:len(begin)-n] + "..."
		}
	}
	return text
}

// fingerprint describes a content without its text. The hash is too short to guess the
// content from, and long enough to see that two are different.
func fingerprint(content string) string {
	sum := sha256.Sum256([]byte(content))
	return fmt.Sprintf("%d bytes, hash %x", len(content), sum[:2])
}
