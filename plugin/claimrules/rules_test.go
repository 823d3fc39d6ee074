package claimrules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/claimrules"
)

func parse(t *testing.T, text string) claimrules.Rules {
	t.Helper()
	rules, err := claimrules.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// siteRules are rules as a site with one remote namespace could have them.
const siteRules = `
- {namespaces: [reana], claims: [reana-shared-*], remote: shared, subPath: "{namespace}", userSubPaths: true}
- {claims: [cvmfs, reana-cvmfs], remote: cvmfs, readOnly: true}
- {namespaces: ["team-*"], claims: [models], remote: "{namespace}-models", readOnly: true}
- {namespaces: [jhub], claims: ["claim-*"], remote: "{claim}.{namespace}", create: {storage: 10Gi, storageClassName: fast}}
- {volumes: [data], create: {storage: 1Gi, retentionPolicy: retain}}
- {namespaces: [all], remote: pool, subPath: "users/{claim}"}
`

func TestFind(t *testing.T) {
	rules := parse(t, siteRules)
	for _, test := range []struct {
		namespace, claim, volume string
		want                     claimrules.Use
		created, none            bool
	}{
		{namespace: "reana", claim: "reana-shared-persistent-volume", volume: "v",
			want: claimrules.Use{Remote: "shared", Limits: claimrules.Limits{SubPath: "reana", UserSubPaths: true}}},
		{namespace: "other", claim: "reana-shared-persistent-volume", volume: "v", none: true},
		{namespace: "reana", claim: "reana-cvmfs", volume: "v", want: claimrules.Use{Remote: "cvmfs", Limits: claimrules.Limits{ReadOnly: true}}},
		{namespace: "team-a", claim: "models", volume: "v", want: claimrules.Use{Remote: "team-a-models", Limits: claimrules.Limits{ReadOnly: true}}},
		{namespace: "jhub", claim: "claim-alice", volume: "v", want: claimrules.Use{Remote: "claim-alice.jhub"}, created: true},
		{namespace: "data", claim: "data-db-1", volume: "data", want: claimrules.Use{Remote: "data-db-1"}, created: true},
		{namespace: "data", claim: "data-db-1", volume: "other", none: true},
		{namespace: "all", claim: "alice", volume: "v", want: claimrules.Use{Remote: "pool", Limits: claimrules.Limits{SubPath: "users/alice"}}},
		// A rule that creates claims gives no way around the limits of a claim of the site.
		{namespace: "team-a", claim: "cvmfs", volume: "data", want: claimrules.Use{Remote: "cvmfs", Limits: claimrules.Limits{ReadOnly: true}}},
		{namespace: "reana", claim: "shared", volume: "data", created: true,
			want: claimrules.Use{Remote: "shared", Limits: claimrules.Limits{SubPath: "reana", UserSubPaths: true}}},
	} {
		use, found, err := rules.Find(test.namespace, test.claim, test.volume)
		created := use.Create != nil
		use.Create = nil
		if err != nil || found == test.none || created != test.created || cmp.Diff(test.want, use) != "" {
			t.Errorf("%s/%s as %s: found %v, created %v, %v\n%s", test.namespace, test.claim, test.volume, found, created, err, cmp.Diff(test.want, use))
		}
	}
}

// Who names a claim of the site in another way gets no more than the rules give.
func TestLimits(t *testing.T) {
	rules := parse(t, siteRules)
	for _, test := range []struct {
		namespace, remote string
		want              claimrules.Limits
	}{
		{"reana", "shared", claimrules.Limits{SubPath: "reana", UserSubPaths: true}},
		{"other", "shared", claimrules.Limits{}}, // TestNotOfSite
		{"other", "cvmfs", claimrules.Limits{ReadOnly: true}},
		{"team-a", "team-a-models", claimrules.Limits{ReadOnly: true}},
		{"team-a", "x-models", claimrules.Limits{}},
		{"all", "pool", claimrules.Limits{SubPath: "users/pool"}},
		{"jhub", "claim-alice.jhub", claimrules.Limits{}},
		{"jhub", "my-own", claimrules.Limits{}},
	} {
		if diff := cmp.Diff(test.want, rules.Limits(test.namespace, test.remote)); diff != "" {
			t.Errorf("%s in %s: %s", test.remote, test.namespace, diff)
		}
	}
}

// A name that the local API server would not accept gets into no path.
// A rule of the site can say that a claim has no storage class, and a user cannot.
func TestNoStorageClass(t *testing.T) {
	rules, err := claimrules.Parse([]byte(`[{claims: [a], create: {storage: 1Gi, storageClassName: ""}}]`))
	if err != nil {
		t.Fatal(err)
	}
	template := rules[0].Create
	if problems := template.CheckOfUser(); len(problems) != 1 || !strings.Contains(problems[0].Error(), "storageClassName is empty") {
		t.Errorf("of a user, the problems are %v", problems)
	}
	class := "fast"
	for _, name := range []*string{&class, nil} {
		template.StorageClassName = name
		if problems := template.CheckOfUser(); len(problems) > 0 {
			t.Errorf("the problems are %v", problems)
		}
	}
}

func TestNamesAreChecked(t *testing.T) {
	rules := parse(t, `[{claims: ["*"], remote: shared, subPath: "{namespace}/{claim}"}]`)
	for _, names := range [][2]string{{"..", "data"}, {"a/b", "data"}, {"a", ".."}, {"", "data"}, {"a", "x..y"}} {
		if use, _, err := rules.Find(names[0], names[1], "v"); err == nil {
			t.Errorf("%q gives %+v", names, use)
		}
	}
	long := strings.Repeat("x", 250)
	rules = parse(t, `[{remote: "{claim}.{namespace}", create: {storage: 1Gi}}]`)
	if _, _, err := rules.Find("demo", long, "v"); err == nil || !strings.Contains(err.Error(), "rule 1 of [offloading] claims gives claim x") {
		t.Errorf("a name that is too long: %v", err)
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		``:                                  "there is no rule in it",
		`[]`:                                "there is no rule in it",
		`rules: [{claim: a}]`:               `unknown field "claim"`,
		`[{claims: [a], claims: [b]}]`:      `key "claims" already set`,
		`{claims: [a]}`:                     `unknown field "claims"`,
		`[{claims: "a"}]`:                   "cannot unmarshal string",
		`[{claims: ["["]}]`:                 `rule 1: claims: "[" must be a name or a pattern`,
		`[{claims: [""]}]`:                  `rule 1: claims: "" must be a name`,
		`[{remote: "{pod}"}]`:               "rule 1: remote: {pod} is not known: write {namespace} or {claim}",
		`[{remote: "{claim}-{claim}"}]`:     "rule 1: remote: a placeholder is there twice",
		`[{remote: "{namespace}-{claim}"}]`: `rule 1: remote: "{namespace}-{claim}" would be the same for namespace a with claim b-c`,
		`[{remote: A}]`:                     `rule 1: remote: "A" is not a valid name`,
		`[{remote: a, subPath: ../x}]`:      `rule 1: subPath: "../x" must be a folder of the claim`,
		`[{remote: a, subPath: /x}]`:        `rule 1: subPath: "/x" must be a folder`,
		`[{remote: a, subPath: a/../b}]`:    "must be a folder",
		`[{remote: a, subPath: "x$(A)"}]`:   "must be a folder",
		`[{remote: a, subPath: "{pod}"}]`:   "rule 1: subPath: {pod} is not known",
		`[{remote: a, subPath: "u/{claim}-{namespace}"}]`:                       `rule 1: subPath: "{claim}-{namespace}" would be the same`,
		`[{remote: a, subPath: "{claim}.{namespace}{claim}"}]`:                  "write each placeholder once",
		`[{volumes: [data], readOnly: true, create: {storage: 1Gi}}]`:           "rule 1: readOnly and subPath need claims or remote",
		`[{remote: a, userSubPaths: true}]`:                                     "rule 1: userSubPaths is only for a rule with a subPath",
		`[{volumes: [data], readOnly: true}]`:                                   "rule 1: readOnly and subPath need claims or remote",
		`[{}, {create: {storage: 0}}]`:                                          "rule 2: create: storage is missing or not above 0",
		`[{create: {storage: 1Gi, accessModes: [RWO], retentionPolicy: drop}}]`: "accessModes has \"RWO\", which is none of [\"ReadWriteOnce\"",
		`[{create: {storage: 1Gi, size: 2}}]`:                                   `unknown field "size"`,
	} {
		if _, err := claimrules.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{`{"rules": [{"claims": ["a"]}]}`, `[{"claims": ["a"]}]`, "rules:\n- claims: [a]\n"} {
		if rules := parse(t, text); len(rules) != 1 || rules[0].Claims[0] != "a" {
			t.Errorf("%s: %+v", text, rules)
		}
	}
}
