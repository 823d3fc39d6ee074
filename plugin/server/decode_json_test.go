package server

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// checkLikeEncodingJSON checks that decodeJSON accepts what encoding/json accepts, apart
// from bodies with a repeated key, and decodes it to the same value.
func checkLikeEncodingJSON[T any](t *testing.T, body []byte) {
	t.Helper()
	var got, want T
	err, wantErr := decodeJSON(body, &got), json.Unmarshal(body, &want)
	same, alike := repeatedKeys(body)
	switch refused := err != nil && strings.Contains(err.Error(), "twice"); {
	case refused && !alike:
		t.Errorf("%q: error %v, but no key is repeated", body, err)
	case same && wantErr == nil && !refused:
		t.Errorf("%q: error %v, but a key is repeated", body, err)
	case refused:
		return
	}
	if (err == nil) != (wantErr == nil) {
		t.Errorf("%q: error %v, of encoding/json %v", body, err, wantErr)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q is decoded to another value (-encoding/json +got)\n%s", body, cmp.Diff(want, got))
	}
}

// repeatedKeys reports whether an object in a JSON text has a key twice: the same one, and one
// that differs in case only.
func repeatedKeys(body []byte) (same, alike bool) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	type object struct {
		keys  []string
		isKey bool
		array bool
	}
	stack := []*object{{array: true}}
	for {
		token, err := decoder.Token()
		if err != nil {
			return same, alike
		}
		top := stack[len(stack)-1]
		switch token {
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
			continue
		}
		if key, ok := token.(string); ok && !top.array && top.isKey {
			same = same || slices.Contains(top.keys, key)
			alike = alike || slices.ContainsFunc(top.keys, func(k string) bool { return strings.EqualFold(k, key) })
			top.keys, top.isKey = append(top.keys, key), false
			continue
		}
		top.isKey = true
		if token == json.Delim('{') || token == json.Delim('[') {
			stack = append(stack, &object{isKey: true, array: token == json.Delim('[')})
		}
	}
}

// oddPods are bodies that decoders often do not treat alike.
var oddPods = []string{
	`null`, ` {} `, `{"METADATA":{"Name":"a"},"meta_data":{"name":"b"},"unknown":{"x":[1e400]}}`,
	`{"metadata":{"name":"a","labels":{"x":"1"},"labels":{"y":"2"}},"metadata":{"name":null,"labels":{"x":null}}}`,
	`{"metadata":{"labels":{},"annotations":null,"finalizers":[],"ownerReferences":null}}`,
	`{"metadata":{"name":"\ud800","namespace":"` + "\xff" + `"},"spec":{"containers":[{"name":"a","image":"b"}],"containers":[{"name":"c"}]}}`,
	`{"metadata":{"creationTimestamp":null,"deletionTimestamp":"2026-01-02T03:04:05Z","deletionGracePeriodSeconds":0}}`,
	`{"metadata":{"creationTimestamp":"yesterday"}}`, `{"metadata":{"creationTimestamp":""}}`,
	`{"spec":{"containers":[{"resources":{"limits":{"cpu":"500m","memory":1024,"x":null},"requests":{"cpu":0.5}}}]}}`,
	`{"spec":{"containers":[{"resources":{"limits":{"cpu":"many"}}}]}}`,
	`{"spec":{"containers":[{"livenessProbe":{"httpGet":{"port":80}},"readinessProbe":{"httpGet":{"port":"http"}}},null]}}`,
	`{"spec":{"priority":1.0}}`, `{"spec":{"priority":"1"}}`, `{"spec":{"priority":4294967296}}`, `{"spec":{"hostNetwork":"true"}}`,
	`{"spec":{"volumes":[{"name":"a","secret":{"defaultMode":420}},{"name":"b","emptyDir":{"sizeLimit":"1Gi"}}]}}`,
	`{"metadata":{"name":"a"}} {}`, `{"metadata":{"name":"a"}`, `[]`, `7`, `{"a":1,}`,
}

func TestPodsAreDecodedAsByEncodingJSON(t *testing.T) {
	for _, body := range oddPods {
		checkLikeEncodingJSON[corev1.Pod](t, []byte(body))
		checkLikeEncodingJSON[wire.CreateRequest](t, []byte(`{"pod":`+body+`}`))
	}
	for _, recording := range testkit.Recordings(t) {
		switch recording.Path {
		case "/create":
			checkLikeEncodingJSON[wire.CreateRequest](t, recording.Body)
		case "/delete":
			checkLikeEncodingJSON[corev1.Pod](t, recording.Body)
		case "/getLogs":
			checkLikeEncodingJSON[wire.LogRequest](t, recording.Body)
		}
	}
	// Bytes are base64.
	for _, value := range []string{`"aGk="`, `"aGk"`, `""`, `null`, `[104,105]`, `"a\nGk="`} {
		checkLikeEncodingJSON[corev1.Secret](t, []byte(`{"data":{"key":`+value+`}}`))
	}
	random := rand.New(rand.NewPCG(15, 16))
	for range 2000 {
		checkLikeEncodingJSON[corev1.Pod](t, []byte(randomValue(random, "pod")))
	}
}
