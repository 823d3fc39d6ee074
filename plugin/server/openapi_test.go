package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// wholePod and the requests below have every field that the OpenAPI document describes.
const (
	wholePod = `{"metadata":{"name":"plain","namespace":"demo","uid":"` + uid + `","annotations":{"note":"text"}},
		"spec":{"containers":[{"name":"main"}]},"status":{}}`
	wholeStatus = `[{"metadata":{"name":"plain","namespace":"demo","uid":"` + uid + `","annotations":{"JobID":"plain-1",
		"interlink.eu/disable-offload-containers":"a","interlink.eu/disable-offload-init-containers":"b","note":"text"}},
		"spec":{"initContainers":[{"name":"first","image":"busybox"}],"containers":[{"name":"main","image":"busybox"}]},"status":{}}]`
	wholeCreate = `{"pod":` + wholePod + `,"container":[{"name":"main","configMaps":[{}],"projectedvolumemaps":[{}],"secrets":[{}],
		"emptyDirs":["scratch"],"persistentVolumeClaims":[{}]}],"jobConfig":{},"jobScript":"#!/bin/sh"}`
	wholeLogs = `{"Namespace":"demo","PodUID":"` + uid + `","PodName":"plain","ContainerName":"main","Opts":{"Tail":1,"Bytes":1,"LimitBytes":1,
		"Timestamps":true,"Follow":true,"Previous":true,"SinceSeconds":1,"SinceTime":"2026-11-27T00:00:00Z"}}`
)

// The document permits exactly the requests that the server accepts: recorded ones, and requests
// in which each value is missing or replaced by one of another type or form. Each response is as
// the document describes it.
func TestOpenAPIPermitsWhatTheServerAccepts(t *testing.T) {
	document := compileOpenAPI(t)
	lifecycle := &fake{status: func(_ context.Context, pods []corev1.Pod) ([]wire.PodStatus, error) {
		return make([]wire.PodStatus, len(pods)), nil
	}}
	server := newServer(t, Options{Lifecycle: lifecycle})
	check := func(t *testing.T, method, path, body string) (accepted bool) {
		t.Helper()
		got := document.call(t, server, method, path, body)
		accepted = got.Code == http.StatusOK
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err == nil {
			err = document.request(t, method, path).Validate(value)
		}
		switch {
		case accepted && err != nil:
			t.Errorf("the server accepts what the document does not permit: %s\n%v", body, err)
		case !accepted && err == nil:
			t.Errorf("the document permits what the server refuses: %s\n%d %s", body, got.Code, got.Body)
		}
		return accepted
	}

	for _, recording := range testkit.Recordings(t) {
		if !check(t, recording.Method, recording.Path, string(recording.Body)) {
			t.Errorf("recording %s is refused", recording.Name)
		}
	}
	for path, whole := range map[string]string{"/create": wholeCreate, "/delete": wholePod, "/status": wholeStatus, "/getLogs": wholeLogs} {
		var example any
		if err := json.Unmarshal([]byte(whole), &example); err != nil {
			t.Fatal(err)
		}
		for _, method := range server.routes[path].methods {
			t.Run(method+path, func(t *testing.T) {
				schema := at(document.whole, "paths", path, strings.ToLower(method), "requestBody", "content", "application/json", "schema")
				if missing := document.missing(schema, example, ""); len(missing) > 0 {
					t.Fatalf("the request of this test lacks what the document describes: %v", missing)
				}
				accepted, refused := 0, 0
				for _, variant := range variants(example) {
					body, err := json.Marshal(variant)
					if err != nil {
						t.Fatal(err)
					}
					if check(t, method, path, string(body)) {
						accepted++
					} else {
						refused++
					}
				}
				if accepted < 20 || refused < 20 {
					t.Errorf("%d requests are accepted and %d refused: the test does not show much", accepted, refused)
				}
				for _, body := range []string{"", "{", "[]]", whole + whole} {
					check(t, method, path, body)
				}
			})
		}
	}
}

// The document describes the answer to each kind of error, and its text names each status.
func TestOpenAPIDescribesErrors(t *testing.T) {
	document := compileOpenAPI(t)
	text, _ := at(document.whole, "components", "responses", "Error", "description").(string)
	failure := errors.New("no kind")
	lifecycle := &fake{remove: func(context.Context, *corev1.Pod) error { return failure }}
	server := newServer(t, Options{Lifecycle: lifecycle})
	for kind, status := range httpStatuses {
		failure = errdefs.New(kind, "a failure")
		if got := document.call(t, server, "POST", "/delete", wholePod); got.Code != status {
			t.Errorf("an error of kind %q is answered with %d, want %d", kind, got.Code, status)
		}
		if !strings.Contains(text, strconv.Itoa(status)+": ") {
			t.Errorf("the text about errors does not name %d (%s)", status, kind)
		}
	}
	for _, status := range []int{http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType} {
		if !strings.Contains(text, strconv.Itoa(status)+": ") {
			t.Errorf("the text about errors does not name %d", status)
		}
	}
}

// replacements are the values that each value of a request is replaced by.
var replacements = []any{
	nil, "", "x", "Bad_Name", "a.b", "a..b", "-a", strings.Repeat("a", 63), strings.Repeat("a", 64),
	strings.Repeat("a.", 126) + "a", strings.Repeat("a.", 127) + "a", "2026-11-27T00:00:00Z", "2026-11-27",
	0, 1, -1, 1.5, math.MaxInt64, uint64(math.MaxInt64) + 1, true,
	[]any{}, []any{nil}, []any{"x"}, []any{1}, []any{map[string]any{}}, map[string]any{}, map[string]any{"x": 1}, map[string]any{"x": "y"}, map[string]any{"x": nil},
}

// variants returns a value with each value in it replaced by others, and with each key of its
// objects left out.
func variants(value any) []any {
	all := slices.Clone(replacements)
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			without := maps.Clone(value)
			delete(without, key)
			all = append(all, without)
			for _, variant := range variants(value[key]) {
				with := maps.Clone(value)
				with[key] = variant
				all = append(all, with)
			}
		}
		unknown := maps.Clone(value)
		unknown["x-unknown"] = "y"
		all = append(all, unknown)
	case []any:
		for i := range value {
			for _, variant := range variants(value[i]) {
				with := slices.Clone(value)
				with[i] = variant
				all = append(all, with)
			}
		}
	}
	return all
}

// openAPIDocument is the document, parsed and compiled.
type openAPIDocument struct {
	whole    any
	compiler *jsonschema.Compiler
}

func compileOpenAPI(t *testing.T) openAPIDocument {
	t.Helper()
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPI))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("openapi.json", whole); err != nil {
		t.Fatal(err)
	}
	return openAPIDocument{whole, compiler}
}

// schema compiles the schema at a JSON pointer.
func (d openAPIDocument) schema(t *testing.T, steps ...string) *jsonschema.Schema {
	t.Helper()
	pointer := ""
	for _, step := range steps {
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step)
	}
	schema, err := d.compiler.Compile("openapi.json#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func (d openAPIDocument) request(t *testing.T, method, path string) *jsonschema.Schema {
	t.Helper()
	return d.schema(t, "paths", path, strings.ToLower(method), "requestBody", "content", "application/json", "schema")
}

// call sends a request and checks that the response is as the document describes it.
func (d openAPIDocument) call(t *testing.T, server *Server, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	server.Handler().ServeHTTP(recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	steps := []string{"components", "responses", "Error"}
	if recorder.Code == http.StatusOK {
		steps = []string{"paths", path, strings.ToLower(method), "responses", "200"}
	}
	kind, _, _ := mime.ParseMediaType(recorder.Header().Get("Content-Type"))
	var value any = recorder.Body.String()
	if kind == "application/json" {
		var err error
		if value, err = jsonschema.UnmarshalJSON(bytes.NewReader(recorder.Body.Bytes())); err != nil {
			t.Errorf("%s %s is answered with %q: %v", method, path, recorder.Body, err)
		}
	}
	if err := d.schema(t, append(steps, "content", kind, "schema")...).Validate(value); err != nil {
		t.Errorf("%s %s is answered with %d %s: %v", method, path, recorder.Code, recorder.Body, err)
	}
	return recorder
}

// missing returns the properties of a schema that an example of it lacks.
func (d openAPIDocument) missing(schema, example any, path string) []string {
	var found []string
	if reference, ok := at(schema, "$ref").(string); ok {
		found = append(found, d.missing(at(d.whole, strings.Split(reference, "/")[1:]...), example, path)...)
	}
	all, _ := at(schema, "allOf").([]any)
	for _, part := range all {
		found = append(found, d.missing(part, example, path)...)
	}
	properties, _ := at(schema, "properties").(map[string]any)
	for name, property := range properties {
		value := at(example, name)
		if value == nil {
			found = append(found, path+"/"+name)
		}
		found = append(found, d.missing(property, value, path+"/"+name)...)
	}
	if list, ok := example.([]any); ok && len(list) > 0 {
		found = append(found, d.missing(at(schema, "items"), list[0], path+"/0")...)
	}
	return found
}

// at returns the value of nested objects under these keys, or nil.
func at(value any, keys ...string) any {
	for _, key := range keys {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value
}
