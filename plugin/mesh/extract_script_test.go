package mesh

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const heredoc = "cat <<'EOFMESH' > $TMPDIR/mesh.sh\n"

func TestExtractScript(t *testing.T) {
	const body = "#!/bin/sh\ncat <<'EOFWG' > wg.conf\nkey\nEOFWG\ncat <<EOF\nEOF\necho $HOME\n"
	for _, test := range []struct{ name, preExec, script, others, err string }{
		{"empty annotation", "", "", "", ""},
		{"only the user's commands", "module load gcc\n", "", "module load gcc\n", ""},
		{"form that InterLink writes", heredoc + body + "\nEOFMESH", body + "\n", "", ""},
		{"newline after the mark", heredoc + body + "EOFMESH\n", body, "\n", ""},
		{"user's commands follow the mark directly", heredoc + body + "EOFMESHecho user\nmore", body, "echo user\nmore", ""},
		{"comments before the script", "# binaries\n\n" + heredoc + body + "EOFMESH", body, "# binaries\n\n", ""},
		{"commands before the script", "module load gcc\n" + heredoc + body + "EOFMESH", body, "module load gcc\n", ""},
		{"two scripts", heredoc + "new\nEOFMESH" + heredoc + "old\nEOFMESHecho user", "new\n", "echo user", ""},
		{"two scripts with newlines", heredoc + "new\nEOFMESH\n" + heredoc + "old\nEOFMESH\n", "new\n", "\n\n", ""},
		{"other spaces and quotes", "  cat  <<  'EOFMESH'  >  \"${TMPDIR}/mesh.sh\"  \n" + body + "EOFMESH", body, "", ""},
		{"mark inside a line", heredoc + "echo EOFMESH EOFMESH\nEOFMESH", "echo EOFMESH EOFMESH\n", "", ""},
		{"empty line before the mark", heredoc + "echo\n\nEOFMESH", "echo\n\n", "", ""},

		{"mark is missing", heredoc + body, "", "", "the line EOFMESH at its end is missing"},
		{"mark is indented", heredoc + body + " EOFMESH", "", "", "the line EOFMESH at its end is missing"},
		{"empty script", heredoc + "EOFMESH", "", "", "it is empty"},
		{"blank script", heredoc + " \n\t\nEOFMESH", "", "", "it is empty"},
		{"mark is not quoted, so the shell would expand the script", strings.ReplaceAll(heredoc, "'", "") + body + "EOFMESH", "", "", "its first line is not"},
		{"other file", "cat <<'EOFMESH' > /tmp/other\n" + body + "EOFMESH", "", "", "its first line is not"},
		{"appended to a file", "cat <<'EOFMESH' >> $TMPDIR/mesh.sh\n" + body + "EOFMESH", "", "", "its first line is not"},
		{"heredoc does not start a line", "echo; " + heredoc + body + "EOFMESH", "", "", "its first line is not"},
		{"Windows line ends", strings.ReplaceAll(heredoc+body+"EOFMESH", "\n", "\r\n"), "", "", "its first line is not"},
		{"only the mark", "EOFMESH", "", "", "its first line is not"},
		{"second script without a mark", heredoc + "new\nEOFMESH" + heredoc + "old\n", "", "", "a second script follows it that is malformed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			script, others, err := ExtractScript(test.preExec)
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
			if diff := cmp.Diff(test.others, others); diff != "" {
				t.Errorf("other commands (-want +got)\n%s", diff)
			}
		})
	}
}

// TestExtractScriptFromRecordedRequests reads the annotation as InterLink writes it
// into requests. The script in these recordings is the project's own (fixtures/wire).
func TestExtractScriptFromRecordedRequests(t *testing.T) {
	for name, wantOthers := range map[string]string{
		"11-create-mesh": "", "12-create-mesh-user-preexec": "echo user-pre-exec", "39-delete-running": "",
	} {
		t.Run(name, func(t *testing.T) {
			body := testkit.ReadRecording(t, name).Body
			var request struct{ Pod json.RawMessage }
			if err := json.Unmarshal(body, &request); err != nil {
				t.Fatal(err)
			}
			if request.Pod == nil { // a delete: the body is the pod
				request.Pod = body
			}
			var pod corev1.Pod
			if err := json.Unmarshal(request.Pod, &pod); err != nil {
				t.Fatal(err)
			}
			script, others, err := ExtractScript(pod.Annotations[wire.AnnotationPreExec])
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(script, "#!/bin/sh\n") || !strings.HasSuffix(script, "\ndone\n") || strings.Contains(script, endMark) {
				t.Errorf("the script is not complete: %d characters", len(script))
			}
			if others != wantOthers {
				t.Errorf("other commands are %q, want %q", others, wantOthers)
			}
		})
	}
}

// FuzzExtractScript checks that only text from inside the heredoc becomes the script,
// whatever the annotation contains.
func FuzzExtractScript(f *testing.F) {
	for _, seed := range []string{"", heredoc, heredoc + "a\nEOFMESH", heredoc + "a\nEOFMESH" + heredoc + "b\nEOFMESHc", "x\n" + heredoc + "\nEOFMESH", heredoc + "EOFMESH", "EOFMESH"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, preExec string) {
		script, others, err := ExtractScript(preExec)
		switch {
		case err != nil && script+others != "":
			t.Fatalf("error %v, but also script %q and commands %q", err, script, others)
		case err == nil && script == "":
			if others != preExec || strings.Contains(preExec, endMark) {
				t.Fatalf("found no script in %q", preExec)
			}
		case err == nil:
			before, _, found := strings.Cut(preExec, script+endMark)
			if !found || strings.Contains("\n"+script, "\n"+endMark) {
				t.Fatalf("script %q is not directly before the mark", script)
			}
			if at := firstLine.FindStringIndex(preExec); !strings.HasSuffix(before, preExec[at[0]:at[1]]) {
				t.Fatalf("script %q does not follow its first line", script)
			}
			if len(script)+len(others) > len(preExec) {
				t.Fatal("script and commands are longer than the annotation")
			}
		}
	})
}

func TestCommands(t *testing.T) {
	if got := Commands("# a comment\n\n  \techo a\n echo b # c"); !cmp.Equal(got, []string{"echo a", "echo b # c"}) {
		t.Errorf("got %q", got)
	}
}
