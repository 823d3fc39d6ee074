package server

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// readFields are the fields of a requested pod that the status is reported from, in a
// form to compare.
type readFields struct {
	Namespace, Name, UID                   string
	JobID, DisabledContainers, DisableInit string
	InitContainers, Containers, Statuses   [][]string
}

func readFieldsOf(pods []corev1.Pod) []readFields {
	containers := func(list []corev1.Container) (all [][]string) {
		for _, c := range list {
			policy := "none"
			if c.RestartPolicy != nil {
				policy = "=" + string(*c.RestartPolicy)
			}
			all = append(all, []string{c.Name, c.Image, policy})
		}
		return all
	}
	var all []readFields
	for _, pod := range pods {
		fields := readFields{
			Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID),
			JobID:              pod.Annotations[wire.AnnotationJobID],
			DisabledContainers: pod.Annotations[wire.AnnotationDisableContainers],
			DisableInit:        pod.Annotations[wire.AnnotationDisableInitContainers],
			InitContainers:     containers(pod.Spec.InitContainers), Containers: containers(pod.Spec.Containers),
		}
		for _, s := range pod.Status.ContainerStatuses {
			state := "not terminated"
			if s.State.Terminated != nil {
				state = "terminated"
			}
			fields.Statuses = append(fields.Statuses, []string{s.Name, state})
		}
		all = append(all, fields)
	}
	return all
}

// oddStatuses are bodies that encoding/json accepts, and that decoders often do not
// treat alike.
var oddStatuses = []string{
	"[]", "null", "[null]", " [ ] \n",
	`[{"METADATA":{"Name":"a","nAmespace":"b","UID":"c","annotations":{"JOBID":"no","JobID":"yes"}}}]`,
	`[{"metadata":{"name":"a","name":"b"},"metadata":{"namespace":"c"}}]`,
	`[{"metadata":{"name":"a","name":null,"annotations":{"JobID":"a","JobID":null}}}]`,
	`[{"metadata":{"annotations":{"JobID":"a"},"annotations":null,"annotations":{"note":"b"}}}]`,
	`[{"metadata":{"annotations":{"JobID":"a"},"annotations":{"interlink.eu/disable-offload-containers":"b"}}}]`,
	`[{"metadata":{"name":"\ud800","namespace":"\u00e9` + "\xff\xc3" + `"}}]`,
	`[{"metadata":{"generation":12345678901234567,"deletionGracePeriodSeconds":-0},"x":1e400}]`,
	`[{"spec":{"containers":[{"name":"a","image":"b"},{"name":"c"}],"containers":[{"image":"d"}]}}]`,
	`[{"spec":{"initContainers":[{"name":"a","restartPolicy":"Always","restartPolicy":null},null]}}]`,
	`[{"status":{"containerStatuses":[{"name":"a","state":{"terminated":{"exitCode":1}}},{"state":{"terminated":null}},{"state":null}]}}]`,
	`[{"status":{"containerStatuses":[{"state":{"terminated":{}},"state":{}},{"state":{"terminated":{},"terminated":null}}]}}]`,
	`[{"sp\u0065c":{"containers":[{"n\u0061me":"a"}]},"_spec":7,"meta_data":{"name":"a"}}]`,
}

// checkSameAsWholePods checks that a body is decoded to the same values as whole pods
// by encoding/json are. It must not be accepted if a field that is read is invalid.
func checkSameAsWholePods(t *testing.T, body []byte) {
	t.Helper()
	var reduced, whole []corev1.Pod
	accepted := decodeRequested(body, &reduced)
	err := json.Unmarshal(body, &whole)
	switch {
	case !accepted: // encoding/json decodes it again
	case err == nil:
		if diff := cmp.Diff(readFieldsOf(whole), readFieldsOf(reduced)); diff != "" {
			t.Errorf("%q is decoded to other values (-whole pods +reduced pods)\n%s", body, diff)
		}
	default:
		if _, invalid := errors.AsType[*json.SyntaxError](err); invalid {
			t.Errorf("%q is accepted, although it is no JSON: %v", body, err)
		}
		if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && isRead(mismatch.Field) {
			t.Errorf("%q is accepted, although a field that is read is invalid: %v", body, err)
		}
	}
}

// isRead reports whether the status is reported from a field, or from a part of it.
func isRead(field string) bool {
	switch {
	case field == "", field == "metadata", field == "spec", field == "status":
		return true
	case strings.HasPrefix(field, "metadata."):
		part := strings.TrimPrefix(field, "metadata.")
		return part == "name" || part == "namespace" || part == "uid"
	}
	for _, list := range []string{"spec.initContainers", "spec.containers", "status.containerStatuses"} {
		switch strings.TrimPrefix(strings.TrimPrefix(field, list), ".") {
		case "", "name":
			return true
		}
	}
	return false
}

func TestStatusIsDecodedAsWholePodsAre(t *testing.T) {
	for _, body := range append(oddStatuses, goodStatus) {
		var pods []corev1.Pod
		if !decodeRequested([]byte(body), &pods) {
			t.Errorf("%s is refused, although encoding/json accepts it", body)
		}
		checkSameAsWholePods(t, []byte(body))
	}
	for _, recording := range testkit.Recordings(t) {
		if recording.Path == "/status" {
			checkSameAsWholePods(t, recording.Body)
		}
	}
}

// The same for random bodies: the keys of a pod in any order and case, repeated, with
// values of all types.
func TestRandomStatusIsDecodedAsWholePodsAre(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	accepted := 0
	for range 2000 {
		body := []byte("[" + randomValue(random, "pod") + "," + randomValue(random, "pod") + "]")
		checkSameAsWholePods(t, body)
		if decodeRequested(body, new([]corev1.Pod)) {
			accepted++
		}
	}
	if accepted < 200 {
		t.Errorf("only %d bodies are accepted, so the test checks little", accepted)
	}
}

// randomKeys are the keys of each kind of object, and the kinds of their values. A kind
// that is not a key of the map is a text; "[]" begins the kind of a list.
var randomKeys = map[string][][2]string{
	"pod":      {{"metadata", "metadata"}, {"metadata", "metadata"}, {"spec", "spec"}, {"status", "status"}, {"other", "pod"}},
	"metadata": {{"name", ""}, {"namespace", ""}, {"uid", ""}, {"annotations", "map"}, {"annotations", "map"}, {"generation", "number"}},
	"map":      {{"JobID", ""}, {"jobid", ""}, {wire.AnnotationDisableContainers, ""}, {wire.AnnotationDisableInitContainers, ""}, {"note", ""}},
	"spec":     {{"containers", "[]container"}, {"containers", "[]container"}, {"initContainers", "[]container"}, {"hostNetwork", "bool"}},
	"container": {
		{"name", ""}, {"image", ""}, {"restartPolicy", ""}, {"tty", "bool"}, {"args", "[]"}, {"state", "state"},
	},
	"status":     {{"containerStatuses", "[]container"}, {"containerStatuses", "[]container"}, {"phase", ""}},
	"state":      {{"terminated", "terminated"}, {"terminated", "terminated"}, {"running", "terminated"}},
	"terminated": {{"exitCode", "number"}, {"reason", ""}},
}

func randomValue(random *rand.Rand, kind string) string {
	if random.IntN(60) == 0 { // mostly of a wrong type
		return []string{"null", "7", `"x"`, "[]", "{}", "true", "[null]"}[random.IntN(7)]
	}
	if random.IntN(12) == 0 {
		return "null"
	}
	element, isList := strings.CutPrefix(kind, "[]")
	var parts []string
	switch keys := randomKeys[kind]; {
	case isList:
		for range random.IntN(4) {
			parts = append(parts, randomValue(random, element))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case len(keys) > 0:
		for range random.IntN(2 * len(keys)) {
			key := keys[random.IntN(len(keys))]
			name := key[0]
			if random.IntN(8) == 0 {
				name = strings.ToUpper(name)
			}
			parts = append(parts, `"`+name+`":`+randomValue(random, key[1]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case kind == "number":
		return []string{"0", "-0", "1", "2147483647"}[random.IntN(4)]
	case kind == "bool":
		return "true"
	}
	return []string{`"a"`, `"b"`, `""`, `"\ud83d"`, "\"\xff\"", `"Always"`}[random.IntN(6)]
}

// What is wrong with a field that the status is not reported from does not matter.
func TestStatusIgnoresFieldsThatItDoesNotRead(t *testing.T) {
	body := strings.Replace(goodStatus, `"spec":{`, `"spec":{"volumes":7,`, 1)
	var pods []corev1.Pod
	if err := decodeStatus([]byte(body), &pods); err != nil || len(pods) != 1 || pods[0].Spec.Containers[0].Name != "main" {
		t.Errorf("decoded to %+v, %v", pods, err)
	}
}

func FuzzDecodeStatus(f *testing.F) {
	seed(f, "/status", append(oddStatuses, goodStatus)...)
	f.Fuzz(func(t *testing.T, body []byte) {
		checkSameAsWholePods(t, body)
		var pods []corev1.Pod
		checkDecoded(t, decodeStatus(body, &pods), pods...)
	})
}
