package nstemplate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
)

const (
	quota = `
apiVersion: v1
kind: ResourceQuota
metadata: {name: limits}
spec: {hard: {pods: "10"}}
`
	secret = `
apiVersion: v1
kind: Secret
metadata: {name: registry}
type: Opaque
data: {a: YQ==}
stringData: {b: "of $(LOCAL_NAMESPACE)"}
`
	binding = `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: "$(LOCAL_NAMESPACE)-users", namespace: $(REMOTE_NAMESPACE), creationTimestamp: null, labels: {team: $(LOCAL_NAMESPACE)}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: "local:$(LOCAL_NAMESPACE):$(REMOTE_NAMESPACE)"}]
`
)

func parse(t *testing.T, documents ...string) *nstemplate.Template {
	t.Helper()
	template, err := nstemplate.Parse([]byte(strings.Join(documents, "\n---\n")))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// The objects have the names of the namespaces, in texts of any depth, and the hash. A name
// that looks like a number stays a text.
func TestObjects(t *testing.T) {
	template := parse(t, "# a comment", quota, secret, binding)
	objects, err := template.Objects("42", "offloading-42")
	if err != nil {
		t.Fatal(err)
	}
	meta := func(name string) map[string]any {
		return map[string]any{"name": name, "namespace": "offloading-42", "labels": map[string]any{"interlink.io/namespace-template": template.Hash()}}
	}
	bindingMeta := meta("42-users")
	bindingMeta["labels"].(map[string]any)["team"] = "42"
	want := []map[string]any{
		{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta("limits"), "spec": map[string]any{"hard": map[string]any{"pods": "10"}}},
		{"apiVersion": "v1", "kind": "Secret", "metadata": meta("registry"), "type": "Opaque", "data": map[string]any{"a": "YQ==", "b": "b2YgNDI="}},
		{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": bindingMeta,
			"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
			"subjects": []any{map[string]any{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "local:42:offloading-42"}},
		},
	}
	var got []map[string]any
	var names []string
	for _, object := range objects {
		var content map[string]any
		if err := json.Unmarshal(object.Manifest, &content); err != nil {
			t.Fatal(err)
		}
		got = append(got, content)
		names = append(names, object.Kind+" "+object.Resource+"/"+object.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the objects differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ResourceQuota resourcequotas/limits", "Secret secrets/registry", "RoleBinding rolebindings/42-users"}, names); diff != "" {
		t.Errorf("the names differ (-want +got):\n%s", diff)
	}
	again, err := template.Objects("other", "offloading-other")
	if err != nil || !strings.Contains(string(again[2].Manifest), "local:other:offloading-other") {
		t.Errorf("a second namespace has %s, %v", again[2].Manifest, err)
	}
}

// The hash is of what the objects are, and not of how the file is written.
func TestHash(t *testing.T) {
	base := parse(t, quota, secret).Hash()
	if wrong := validation.IsValidLabelValue(base); len(wrong) > 0 || base == "" {
		t.Errorf("the hash %q is no label value: %v", base, wrong)
	}
	for _, test := range []struct {
		name      string
		documents []string
		same      bool
	}{
		{"comments, and other spelling", []string{"# limits", quota + "# end", strings.ReplaceAll(secret, "Opaque", `"Opaque"`)}, true},
		{"JSON", []string{`{"kind": "ResourceQuota", "apiVersion": "v1", "spec": {"hard": {"pods": "10"}}, "metadata": {"name": "limits"}}`, secret}, true},
		{"another number", []string{strings.ReplaceAll(quota, "10", "11"), secret}, false},
		{"another value of the Secret", []string{quota, strings.ReplaceAll(secret, "YQ==", "Yg==")}, false},
		{"another order", []string{secret, quota}, false},
		{"one object less", []string{quota}, false},
		{"one object more", []string{quota, secret, binding}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := parse(t, test.documents...).Hash(); (got == base) != test.same {
				t.Errorf("the hash is %s, that of the first template %s", got, base)
			}
		})
	}
	if (*nstemplate.Template)(nil).Hash() != "" {
		t.Error("no template has a hash")
	}
}

func TestParseNamesTheMistake(t *testing.T) {
	replaced := func(text, old, with string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%q is not in the text", old)
		}
		return strings.Replace(text, old, with, 1)
	}
	for _, test := range []struct{ name, text, want string }{
		{"empty", "# nothing\n---\n", "there is no manifest in it"},
		{"no YAML", quota + "---\na: b: c", "document 2: "},
		{"a text", "hello", "document 1: it is not an object"},
		{"a key twice", replaced(quota, "spec:", "kind: ResourceQuota\nspec:"), `key "kind" already set`},
		{"a cluster-scoped kind", replaced(binding, "RoleBinding", "ClusterRoleBinding"), `cannot have the kind "ClusterRoleBinding"`},
		{"a kind that runs something", replaced(quota, "ResourceQuota", "Pod"), `cannot have the kind "Pod" of "v1": it can have ConfigMap (v1), LimitRange (v1)`},
		{"a namespace", replaced(quota, "ResourceQuota", "Namespace"), `cannot have the kind "Namespace"`},
		{"another version", replaced(quota, "v1", "v2"), `cannot have the kind "ResourceQuota" of "v2"`},
		{"no kind", "metadata: {name: a}", `cannot have the kind "" of ""`},
		{"an unknown field", replaced(quota, "hard", "hart"), `ResourceQuota: strict decoding error: unknown field "spec.hart"`},
		{"a wrong type", replaced(quota, `{hard: {pods: "10"}}`, "[]"), "ResourceQuota: json: cannot unmarshal array"},
		{"a quantity", replaced(quota, `"10"`, `"ten"`), "ResourceQuota: quantities must match"},
		{"no name", replaced(quota, "{name: limits}", "{}"), "metadata.name is missing"},
		{"no metadata", replaced(quota, "metadata: {name: limits}", ""), "metadata.name is missing"},
		{"a name that is not valid", replaced(quota, "name: limits", "name: a/b"), `ResourceQuota a/b: metadata.name "a/b" is not valid`},
		{"a name of a role that is not valid", replaced(binding, "$(LOCAL_NAMESPACE)-users", "a/b"), `metadata.name "a/b" is not valid`},
		{"a generated name", replaced(quota, "name: limits", "name: limits, generateName: x-"), "metadata.generateName is not allowed"},
		{"an owner", replaced(quota, "name: limits", "name: limits, ownerReferences: []"), "metadata.ownerReferences is not allowed"},
		{"another namespace", replaced(quota, "name: limits", "name: limits, namespace: default"), "metadata.namespace must be $(REMOTE_NAMESPACE) or absent"},
		{"a label of the plugin", replaced(quota, "name: limits", "name: limits, labels: {interlink.io: offloading}"), "metadata.labels interlink.io is not allowed"},
		{"an annotation of the plugin", replaced(quota, "name: limits", "name: limits, annotations: {interlink.io/a: b}"), "metadata.annotations interlink.io/a is not allowed"},
		{"a status", quota + "status: {hard: {}}", "status is not allowed"},
		{"an object twice", quota + "---" + quota, "document 2: ResourceQuota limits is there twice"},
		{"no role", replaced(binding, "kind: ClusterRole", "kind: User"), "roleRef must have the apiGroup rbac.authorization.k8s.io"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := nstemplate.Parse([]byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse returns %v, want %q", err, test.want)
			}
		})
	}
}

// All problems are named at once.
func TestParseNamesAllMistakes(t *testing.T) {
	_, err := nstemplate.Parse([]byte(strings.Join([]string{
		"kind: Pod\napiVersion: v1", quota, strings.Replace(secret, "name: registry", "name: A, uid: b", 1),
	}, "\n---\n")))
	for _, want := range []string{`document 1: a namespace template cannot have the kind "Pod"`, "document 3: Secret A: metadata.uid is not allowed", "metadata.name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse returns %v, want %q", err, want)
		}
	}
}

// No error quotes a value of a Secret.
func TestErrorsQuoteNoSecret(t *testing.T) {
	const canary = "c4n4ryPassword"
	for _, data := range []string{
		"data: {a: " + canary + "}", "data: {a: [" + canary + "]}", "data: " + canary, "data: [" + canary + "]", "stringData: {a: {" + canary + ": 1}}",
		"stringData: " + canary, "data: {a: YQ==}\ndata: {a: " + canary + "}", "stringData: {a: \"" + canary + "}", "stringData:\n  a: " + canary + ": b",
		"stringData: {a: " + canary + "}\nstatus: {}", "stringData: {a: !!int " + canary + "}", "stringData: {a: *" + canary + "}",
		"stringData:\n\ta: " + canary, "immutable: " + canary, "type: {a: " + canary + "}",
	} {
		_, err := nstemplate.Parse([]byte("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n" + data))
		if err == nil {
			t.Errorf("Parse accepts %s", data)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("the error for %s quotes the value: %v", data, err)
		}
	}
}

func TestRequiredPermissions(t *testing.T) {
	role := `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
`
	ofRole := strings.NewReplacer("kind: ClusterRole", "kind: Role", "name: view", "name: $(LOCAL_NAMESPACE)-reader", "-users", "-readers").Replace(binding)
	var got []string
	for _, p := range parse(t, quota, strings.ReplaceAll(quota, "limits", "more"), role, binding, ofRole).RequiredPermissions() {
		if p.Why == "" {
			t.Errorf("%+v has no reason", p)
		}
		got = append(got, strings.TrimSpace(strings.Join([]string{p.Verb, p.Group, p.Resource, p.Name}, " ")))
	}
	const rbac = "rbac.authorization.k8s.io "
	want := []string{
		"create  resourcequotas", "patch  resourcequotas", "create " + rbac + "roles", "patch " + rbac + "roles", "escalate " + rbac + "roles reader",
		"create " + rbac + "rolebindings", "patch " + rbac + "rolebindings", "bind " + rbac + "clusterroles view", "bind " + rbac + "roles",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the permissions differ (-want +got):\n%s", diff)
	}
	if got := (*nstemplate.Template)(nil).RequiredPermissions(); got != nil {
		t.Errorf("no template needs %v", got)
	}
}

// Whatever is in the file, Parse does not panic, and each object of a template has its
// name, its namespace and the hash.
func FuzzParse(f *testing.F) {
	f.Add([]byte(quota))
	f.Add([]byte(secret + "---" + binding))
	f.Add([]byte("apiVersion: v1\nkind: Secret\nmetadata: {name: s, labels: null}\nstringData: null\ndata: {a: null}"))
	f.Add([]byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: $(REMOTE_NAMESPACE), namespace: $(REMOTE_NAMESPACE)}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		template, err := nstemplate.Parse(text)
		if err != nil {
			return
		}
		objects, err := template.Objects("local", "remote")
		if err != nil || len(objects) == 0 {
			t.Fatalf("the template has the objects %v, %v", objects, err)
		}
		for _, object := range objects {
			var content struct {
				Kind     string
				Metadata struct {
					Name, Namespace string
					Labels          map[string]string
				}
			}
			if err := json.Unmarshal(object.Manifest, &content); err != nil {
				t.Fatal(err)
			}
			if content.Kind != object.Kind || content.Metadata.Name != object.Name || object.Name == "" || content.Metadata.Namespace != "remote" ||
				content.Metadata.Labels["interlink.io/namespace-template"] != template.Hash() {
				t.Errorf("%s %s has the manifest %s", object.Kind, object.Name, object.Manifest)
			}
		}
	})
}
