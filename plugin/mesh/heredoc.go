package mesh

import (
	"errors"
	"regexp"
	"strings"
)

// mark ends the script. Nothing need follow it, not even a newline: InterLink
// puts the user's own commands directly behind it.
const mark = "EOFMESH"

// opening is the line before the script: the shell writes it to a file as it
// is, since the mark is quoted.
var opening = regexp.MustCompile(`(?m)^[ \t]*cat[ \t]+<<[ \t]*'` + mark + `'[ \t]*>[ \t]*"?\$(?:TMPDIR|\{TMPDIR\})/mesh\.sh"?[ \t]*\n`)

// Script returns the mesh script in a pre-exec annotation, and the commands that
// stand outside of it, which are for batch systems. Without a mesh script both
// say so: the script is empty and the rest is all. Of several scripts the first
// counts: a virtual kubelet that creates a pod again puts a fresh one before the
// old. An error says what is wrong with a script that cannot be understood.
func Script(preExec string) (script, rest string, err error) {
	at := opening.FindStringIndex(preExec)
	if at == nil {
		if strings.Contains(preExec, mark) {
			return "", "", errors.New("its first line is not cat <<'" + mark + "' > $TMPDIR/mesh.sh")
		}
		return "", preExec, nil
	}
	// From the newline of the first line on: the mark may follow at once.
	body := preExec[at[1]-1:]
	end := strings.Index(body, "\n"+mark)
	if end < 0 {
		return "", "", errors.New("the line " + mark + " at its end is missing")
	}
	if strings.TrimSpace(body[:end]) == "" {
		return "", "", errors.New("it is empty")
	}
	script = body[1:end] + "\n"
	behind := body[end+len("\n"+mark):]
	_, others, err := Script(behind)
	if err != nil {
		return "", "", errors.New("the one behind it cannot be told from commands: " + err.Error())
	}
	return script, preExec[:at[0]] + others, nil
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
