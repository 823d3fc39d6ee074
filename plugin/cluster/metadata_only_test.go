package cluster

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
)

func TestUIDOfAnAnswer(t *testing.T) {
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: "pod", UID: "the-uid"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}},
	}
	inProtobuf, err := runtime.Encode(protobuf.NewSerializer(scheme.Scheme, scheme.Scheme), pod)
	if err != nil {
		t.Fatal(err)
	}
	inJSON, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string][]byte{"a whole pod in protobuf": inProtobuf, "a whole pod in JSON": inJSON} {
		if uid, err := uidOf(answer); uid != "the-uid" || err != nil {
			t.Errorf("%s: got %q, %v", name, uid, err)
		}
	}
	for name, answer := range map[string][]byte{"nothing": nil, "text": []byte("hello"), "cut": inProtobuf[:20], "no object": []byte("k8s\x00\xff")} {
		if uid, err := uidOf(answer); err == nil {
			t.Errorf("%s: got %q and no error", name, uid)
		}
	}
	var none runtime.Unknown
	without, _ := none.Marshal()
	for name, answer := range map[string][]byte{"an object without a UID": []byte(`{"kind":"Status"}`), "an empty object": append([]byte("k8s\x00"), without...)} {
		if uid, err := uidOf(answer); err == nil {
			t.Errorf("%s: got %q and no error", name, uid)
		}
	}
}

// recordedAnswers keeps the bodies of answers.
type recordedAnswers struct {
	next   http.RoundTripper
	bodies *[][]byte
}

func (r recordedAnswers) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := r.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	*r.bodies = append(*r.bodies, body)
	return answer, err
}

// The API server answers to the create and the delete of a pod with its metadata only.
func TestAnswersHaveOnlyMetadata(t *testing.T) {
	server := apiserver.ForTest(t)
	var bodies [][]byte
	config := rest.CopyConfig(server.Config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return recordedAnswers{next, &bodies} })
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(client, "", status.CachedFields, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	const image = "registry.example/image"
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: server.Namespace(t)},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}},
	}
	if pod.UID, err = c.Create(t.Context(), pod); err != nil || pod.UID == "" {
		t.Fatalf("got UID %q, %v", pod.UID, err)
	}
	if err := c.Delete(t.Context(), pod, nil, false); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 2 {
		t.Fatalf("got %d answers", len(bodies))
	}
	for i, request := range []string{"create", "delete"} {
		if !bytes.HasPrefix(bodies[i], protobufMagic) || bytes.Contains(bodies[i], []byte(image)) {
			t.Errorf("the answer to the %s is not metadata in protobuf: %q", request, bodies[i])
		}
	}
}
