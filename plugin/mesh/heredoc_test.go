package mesh

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/google/go-cmp/cmp"
)

const first = "cat <<'EOFMESH' > $TMPDIR/mesh.sh\n"

func TestScript(t *testing.T) {
	const body = "#!/bin/sh\ncat <<'EOFWG' > wg.conf\nkey\nEOFWG\ncat <<EOF\nEOF\necho $HOME\n"
	for _, test := range []struct{ name, preExec, script, rest, err string }{
		{"none", "", "", "", ""},
		{"the user's commands alone", "module load gcc\n", "", "module load gcc\n", ""},
		{"as InterLink writes it", first + body + "\nEOFMESH", body + "\n", "", ""},
		{"a newline behind the mark", first + body + "EOFMESH\n", body, "\n", ""},
		{"the user's commands glued to it", first + body + "EOFMESHecho user\nmore", body, "echo user\nmore", ""},
		{"comments before it", "# binaries\n\n" + first + body + "EOFMESH", body, "# binaries\n\n", ""},
		{"commands before it", "module load gcc\n" + first + body + "EOFMESH", body, "module load gcc\n", ""},
		{"prepended once more", first + "new\nEOFMESH" + first + "old\nEOFMESHecho user", "new\n", "echo user", ""},
		{"prepended once more, on a line of its own", first + "new\nEOFMESH\n" + first + "old\nEOFMESH\n", "new\n", "\n\n", ""},
		{"other spellings of the same", "  cat  <<  'EOFMESH'  >  \"${TMPDIR}/mesh.sh\"  \n" + body + "EOFMESH", body, "", ""},
		{"the mark within a line", first + "echo EOFMESH EOFMESH\nEOFMESH", "echo EOFMESH EOFMESH\n", "", ""},
		{"no newline at the end of a line before the mark", first + "echo\n\nEOFMESH", "echo\n\n", "", ""},

		{"no end", first + body, "", "", "the line EOFMESH at its end is missing"},
		{"an end that is indented", first + body + " EOFMESH", "", "", "the line EOFMESH at its end is missing"},
		{"empty", first + "EOFMESH", "", "", "it is empty"},
		{"blank", first + " \n\t\nEOFMESH", "", "", "it is empty"},
		{"a mark that is not quoted: the shell would change the script", strings.ReplaceAll(first, "'", "") + body + "EOFMESH", "", "", "its first line is not"},
		{"another file", "cat <<'EOFMESH' > /tmp/other\n" + body + "EOFMESH", "", "", "its first line is not"},
		{"appended to a file", "cat <<'EOFMESH' >> $TMPDIR/mesh.sh\n" + body + "EOFMESH", "", "", "its first line is not"},
		{"not at the beginning of a line", "echo; " + first + body + "EOFMESH", "", "", "its first line is not"},
		{"lines of another system", strings.ReplaceAll(first+body+"EOFMESH", "\n", "\r\n"), "", "", "its first line is not"},
		{"the end alone", "EOFMESH", "", "", "its first line is not"},
		{"a second one that has no end", first + "new\nEOFMESH" + first + "old\n", "", "", "the one behind it cannot be told from commands"},
	} {
		t.Run(test.name, func(t *testing.T) {
			script, rest, err := Script(test.preExec)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %q", err, test.err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.script, script); diff != "" {
				t.Errorf("script (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.rest, rest); diff != "" {
				t.Errorf("rest (-want +got)\n%s", diff)
			}
		})
	}
}

// What the real InterLink sent, beside a checkout of those who develop the plugin.
func TestScriptOfRecordings(t *testing.T) {
	for file, rest := range map[string]string{
		"11-create-mesh": "", "12-create-mesh-user-preexec": "echo user-pre-exec\n", "39-delete-running": "",
	} {
		text, err := os.ReadFile(filepath.Join("../../../shared/contract/wire", file+".request.json"))
		if os.IsNotExist(err) {
			t.Logf("no recording %s", file)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var request struct{ Pod, Metadata json.RawMessage }
		if err := json.Unmarshal(text, &request); err != nil {
			t.Fatal(err)
		}
		if request.Pod == nil {
			request.Pod = text
		}
		var pod corev1.Pod
		if err := json.Unmarshal(request.Pod, &pod); err != nil {
			t.Fatal(err)
		}
		script, got, err := Script(pod.Annotations["slurm-job.vk.io/pre-exec"])
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if !strings.HasPrefix(script, "#!/bin/bash\n") || !strings.HasSuffix(script, "\nfg 1\n\n") || strings.Contains(script, mark) {
			t.Errorf("%s: the script is not whole: %d characters", file, len(script))
		}
		if strings.TrimSpace(got) != strings.TrimSpace(rest) {
			t.Errorf("%s: beside it stands %q", file, got)
		}
	}
}

// Whatever the annotation holds, nothing is run that did not stand between the marks.
func FuzzScript(f *testing.F) {
	for _, seed := range []string{"", first, first + "a\nEOFMESH", first + "a\nEOFMESH" + first + "b\nEOFMESHc", "x\n" + first + "\nEOFMESH", first + "EOFMESH", "EOFMESH"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, preExec string) {
		script, rest, err := Script(preExec)
		switch {
		case err != nil && script+rest != "":
			t.Fatalf("%v, and yet a script %q, or commands %q", err, script, rest)
		case err == nil && script == "":
			if rest != preExec || strings.Contains(preExec, mark) {
				t.Fatalf("no script was found in %q", preExec)
			}
		case err == nil:
			before, _, found := strings.Cut(preExec, script+mark)
			if !found || strings.Contains("\n"+script, "\n"+mark) {
				t.Fatalf("script %q does not stand before the mark", script)
			}
			if at := opening.FindStringIndex(preExec); !strings.HasSuffix(before, preExec[at[0]:at[1]]) {
				t.Fatalf("script %q does not stand behind its first line", script)
			}
			if len(script)+len(rest) > len(preExec) {
				t.Fatal("there is more than there was")
			}
		}
	})
}

func TestCommands(t *testing.T) {
	if got := Commands("# a comment\n\n  \techo a\n echo b # c"); !cmp.Equal(got, []string{"echo a", "echo b # c"}) {
		t.Errorf("got %q", got)
	}
}
