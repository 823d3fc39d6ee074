package claimrules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/claimrules"
)

// A user chooses the names of his claims and volumes. No choice opens more of a claim of the
// site than the rules that name it, neither by a rule that uses the local name nor by an
// annotation.
func TestLocalNamesOpenNothing(t *testing.T) {
	folder, readOnly := claimrules.Limits{SubPath: "reana"}, claimrules.Limits{ReadOnly: true}
	const (
		shared = `{namespaces: [reana], claims: ["reana-*"], remote: shared, subPath: "{namespace}"}, `
		cvmfs  = `{claims: [reana-cvmfs], remote: cvmfs, readOnly: true}, `
	)
	for _, test := range []struct {
		rules, claim, volume string
		want                 claimrules.Limits
	}{
		{shared + `{}`, "shared", "v", folder},
		{shared + `{remote: "{claim}"}`, "shared", "v", folder},
		{shared + `{claims: ["*"]}`, "shared", "v", folder},
		{shared + `{claims: ["shar*"]}`, "shared", "v", folder},
		{shared + `{claims: [shared]}`, "shared", "v", folder},
		{`{claims: ["*"]}, ` + shared + cvmfs, "shared", "v", folder},
		{`{claims: ["s*"], subPath: other}, ` + shared, "shared", "v", folder},
		{cvmfs + `{}`, "cvmfs", "v", readOnly},
		{cvmfs + `{claims: ["*"]}`, "cvmfs", "v", readOnly},
		{`{volumes: [data]}, {claims: ["models-*"], readOnly: true}`, "models-x", "data", readOnly},
		{`{claims: [models], volumes: [m], readOnly: true, create: {storage: 1Gi}}, {}`, "models", "v", readOnly},
		{`{claims: ["home-*"], subPath: "{namespace}", create: {storage: 1Gi}}, {volumes: [data], create: {storage: 1Gi}}`, "home-a", "data", folder},
		{`{claims: [h], remote: homes, subPath: "{namespace}", create: {storage: 1Gi}}, {}`, "homes", "v", folder},
		{`{claims: ["h-*"], volumes: [h], remote: "{claim}.{namespace}", readOnly: true, create: {storage: 1Gi}}, {}`, "h-a.reana", "v", readOnly},
		{`{claims: ["a-*"]}, {claims: ["*"], readOnly: true}`, "a-b", "v", claimrules.Limits{}}, // the site says so
	} {
		rules := parse(t, "["+test.rules+"]")
		use, found, err := rules.Find("reana", test.claim, test.volume)
		if err != nil || !found || use.Remote != test.claim {
			t.Fatalf("%s: %+v, found %v, %v", test.rules, use, found, err)
		}
		if diff := cmp.Diff(test.want, use.Limits); diff != "" {
			t.Errorf("%s by rule: %s", test.rules, diff)
		}
		if diff := cmp.Diff(test.want, rules.Limits("reana", test.claim)); diff != "" {
			t.Errorf("%s by annotation: %s", test.rules, diff)
		}
	}
}

func TestNotOfSite(t *testing.T) {
	const (
		shared = `{namespaces: [reana], claims: ["reana-*"], remote: shared, subPath: "{namespace}"}, `
		homes  = `{namespaces: [jhub], claims: ["claim-*"]}, `
		always = true
	)
	for _, test := range []struct {
		rules, namespace, claim string
		inShared, inOwn         bool // whether the claim is refused if the remote namespace is shared, and if it is not
	}{
		{shared + `{}`, "reana", "shared", false, false},
		{shared + `{}`, "other", "shared", always, always},
		{shared + `{}`, "other", "own", false, false},
		{shared + `{claims: ["*"]}`, "other", "shared", always, always},
		{shared + `{claims: ["s*"]}`, "other", "shared", always, always},
		{shared + `{namespaces: [other], claims: [shared]}`, "other", "shared", false, false}, // the site says so
		{`{namespaces: [reana], remote: shared, create: {storage: 1Gi}}`, "other", "shared", always, always},
		{`{namespaces: ["team-*"], claims: [m], remote: "{namespace}-models"}`, "team-a", "team-b-models", always, always},
		{`{namespaces: ["team-*"], claims: [m], remote: "{namespace}-models"}`, "team-a", "x-models", false, false},
		{`{namespaces: [jhub], claims: ["*"]}`, "other", "data", false, false},
		{homes + `{}`, "other", "claim-a", true, false},
		{homes + `{claims: ["*"]}`, "other", "claim-a", true, false},
		{homes + `{namespaces: [lab], claims: ["claim-*"]}`, "lab", "claim-a", false, false},
		{homes + `{}`, "other", "my-claim", false, false},
		{`{namespaces: [jhub], remote: "{claim}.{namespace}", create: {storage: 1Gi}}, {}`, "other", "a.b.jhub", true, false},
		{`{namespaces: [jhub], remote: "{claim}.{namespace}", create: {storage: 1Gi}}, {}`, "other", "a.jhub.other", false, false},
	} {
		rules := parse(t, "["+test.rules+"]")
		for _, shared := range []bool{true, false} {
			want := ""
			if shared && test.inShared || !shared && test.inOwn {
				want = "the site gives claim " + test.claim + " to pods of other namespaces ([offloading] claims)"
			}
			if got := rules.NotOfSite(test.namespace, test.claim, shared); got != want {
				t.Errorf("%s: claim %s in %s, shared %v: %q", test.rules, test.claim, test.namespace, shared, got)
			}
		}
	}
}

// Two pairs of a namespace and a claim never get one remote name, or one folder, by a rule with
// both placeholders that Parse accepts.
func TestNamesAreNotAmbiguous(t *testing.T) {
	parts := []string{"a", "b", "a-a", "a-b", "b-a", "a-a-a", "a-b-a", "x"}
	claims := append([]string{"a.b", "a.a", "b.a.a", "a-a.a", "a.a-a", "a.b.a", "a.x.a"}, parts...)
	accepted := 0
	for _, text := range []string{
		"{namespace}-{claim}", "{claim}-{namespace}", "{namespace}{claim}", "{namespace}a{claim}", "{namespace}.{claim}", "{claim}.{namespace}",
		"a.{claim}.x-{namespace}", "{namespace}-a.a.{claim}-a", "{claim}-a.{namespace}-a", "{claim}.a-{namespace}.a", "a.{namespace}-{claim}.a",
		"{namespace}/{claim}", "{claim}/a/{namespace}", "{namespace}-{claim}/a", "{namespace}/{claim}-{namespace}", "{claim}/{namespace}.{claim}",
		"{namespace}-{namespace}.{claim}", "{claim}{claim}/{namespace}",
	} {
		for _, key := range []string{"remote", "subPath"} {
			fixed := map[string]string{"remote": "", "subPath": "remote: fixed, "}[key]
			rules, err := claimrules.Parse([]byte(`[{` + fixed + key + `: "` + text + `"}]`))
			if err != nil {
				continue
			}
			accepted++
			first := map[string]string{}
			for _, namespace := range parts {
				for _, claim := range claims {
					use, _, err := rules.Find(namespace, claim, "v")
					if err != nil {
						t.Fatal(err)
					}
					got, pair := use.Remote+":"+use.SubPath, namespace+"/"+claim
					if other, ok := first[got]; ok {
						t.Errorf("%s %s gives %s to %s and to %s", key, text, got, other, pair)
					}
					first[got] = pair
				}
			}
		}
	}
	if accepted != 16 {
		t.Errorf("%d texts are accepted", accepted)
	}
}

// Folders of one claim are not inside each other: who can write into the outer one could put a
// symbolic link in the place of the inner one.
func TestFoldersAreNotNested(t *testing.T) {
	for rules, nested := range map[string]bool{
		`{claims: [a], remote: s, subPath: "{namespace}"}, {claims: [b], remote: s, subPath: "{namespace}/models"}`:                                 true,
		`{claims: [b], remote: s, subPath: "{namespace}/models", create: {storage: 1}}, {claims: [a], remote: s, subPath: "{namespace}"}`:           true,
		`{claims: [a], remote: s, subPath: "{namespace}"}, {claims: [b], remote: s, subPath: "{claim}/models"}`:                                     true,
		`{claims: [a], remote: s, subPath: "{namespace}"}, {claims: [b], remote: s, subPath: common/models}`:                                        true,
		`{namespaces: [a], remote: "w-{namespace}", subPath: x}, {namespaces: [b], remote: w-a, subPath: x/y}`:                                      true,
		`{claims: [s], subPath: x}, {claims: [b], remote: s, subPath: x/y}`:                                                                         true,
		`{claims: [b], remote: s, subPath: x}, {claims: [s], subPath: x/y}`:                                                                         true,
		`{claims: [s], subPath: x}, {claims: [b], remote: t, subPath: x/y}`:                                                                         false,
		`{claims: [a], volumes: [v], subPath: x}, {claims: ["a*"], subPath: x/y}`:                                                                   true,
		`{namespaces: [a], remote: s, subPath: "{namespace}"}, {namespaces: [b], remote: s, subPath: common/models}`:                                false,
		`{claims: [a], remote: s, subPath: "{namespace}", readOnly: true}, {claims: [b], remote: s, subPath: "{namespace}/models"}`:                 false,
		`{claims: [a], remote: s, subPath: "{namespace}"}, {claims: [b], remote: s, subPath: "{namespace}"}`:                                        false,
		`{claims: [a], remote: s, subPath: "homes/{namespace}"}, {claims: [b], remote: s, subPath: "data/{namespace}/{claim}"}`:                     false,
		`{claims: [a], remote: s, subPath: "{namespace}"}, {claims: [b], remote: t, subPath: "{namespace}/models"}`:                                 false,
		`{claims: [a], remote: "w-{namespace}", subPath: x}, {claims: [b], remote: "h-{namespace}", subPath: x/y}`:                                  false,
		`{claims: [a], subPath: "{namespace}"}, {claims: [b], subPath: "{namespace}/models"}`:                                                       false,
		`{claims: [a], remote: s, subPath: "{namespace}"}, {claims: [b], remote: s, readOnly: true}, {namespaces: [admin], claims: [c], remote: s}`: false,
	} {
		_, err := claimrules.Parse([]byte("[" + rules + "]"))
		if got := err != nil && strings.Contains(err.Error(), "could be inside"); got != nested || !nested && err != nil {
			t.Errorf("%s: %v", rules, err)
		}
	}
}
