package translate_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The annotation has one line for each warning, and stays small whatever a user writes.
func TestAnnotationOfWarningsIsBounded(t *testing.T) {
	for _, test := range []struct {
		claims, length, lines int
		end                   string
	}{
		{1, 10, 1, "stay in the local cluster"},
		{10, 10, 10, "stay in the local cluster"},
		{1, 5000, 1, "..."},
		{100, 10, 24, "and 77 more"},
	} {
		request := &wire.CreateRequest{Pod: *podOf("main")}
		request.Pod.UID = "uid"
		for i := range test.claims {
			name := fmt.Sprintf("%03d%s", i, strings.Repeat("ü\n", test.length/2)) // no valid name: a name is checked elsewhere
			request.Pod.Spec.ResourceClaims = append(request.Pod.Spec.ResourceClaims, corev1.PodResourceClaim{Name: name})
		}
		objects, err := translate.ToObjects(request, translate.Options{Scope: scope.Scope{Instance: "default"}})
		if err != nil {
			t.Fatal(err)
		}
		text := objects.Pod.Annotations[wire.AnnotationWarnings]
		lines := strings.Split(text, "\n")
		if len(lines) != test.lines || !strings.HasSuffix(text, test.end) || len(text) > 2100 || !utf8.ValidString(text) {
			t.Errorf("%d claims with names of %d: %d lines, %d bytes: %q", test.claims, test.length, len(lines), len(text), text)
		}
	}
}
