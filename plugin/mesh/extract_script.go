package mesh

import (
	"errors"
	"regexp"
	"strings"
)

// endMark ends the heredoc with the script. InterLink puts no newline after it: the
// user's own commands follow it directly (docs/contract.md, NET-3).
const endMark = "EOFMESH"

// firstLine matches the line before the script. The mark in it is quoted, so that the
// shell does not expand the script.
var firstLine = regexp.MustCompile(`(?m)^[ \t]*cat[ \t]+<<[ \t]*'` + endMark + `'[ \t]*>[ \t]*"?\$(?:TMPDIR|\{TMPDIR\})/mesh\.sh"?[ \t]*\n`)

// ExtractScript returns the mesh script in a pre-exec annotation, and the other
// commands in it, which are for batch systems. Without a mesh script, script is empty
// and others is the whole annotation. If there are several scripts, the first one
// counts: a virtual kubelet that creates a pod again prepends a new script to the old
// one (docs/contract.md, NET-3). An error says why a script is malformed.
func ExtractScript(preExec string) (script, others string, err error) {
	first := firstLine.FindStringIndex(preExec)
	if first == nil {
		if strings.Contains(preExec, endMark) {
			return "", "", errors.New("its first line is not cat <<'" + endMark + "' > $TMPDIR/mesh.sh")
		}
		return "", preExec, nil
	}
	// body starts with the newline of the first line, since the mark may be in the
	// second line.
	body := preExec[first[1]-1:]
	end := strings.Index(body, "\n"+endMark)
	if end < 0 {
		return "", "", errors.New("the line " + endMark + " at its end is missing")
	}
	if strings.TrimSpace(body[:end]) == "" {
		return "", "", errors.New("it is empty")
	}
	script = body[1:end] + "\n"
	_, others, err = ExtractScript(body[end+len("\n"+endMark):])
	if err != nil {
		return "", "", errors.New("a second script follows it that is malformed: " + err.Error())
	}
	return script, preExec[:first[0]] + others, nil
}

// Commands returns the lines of a text that are neither empty nor comments.
func Commands(text string) []string {
	var commands []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			commands = append(commands, line)
		}
	}
	return commands
}
