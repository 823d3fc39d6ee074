package judge_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// One content is a part of another, and a text has single lines of a third. Maps have no order, so each case is tried
// often.
func TestHideSecrets(t *testing.T) {
	file := &scenario.File{Secrets: []corev1.Secret{{StringData: map[string]string{
		"user": "alice", "password": "alice-s3cret", "key": "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n", "short": "1",
	}}}}
	for range 50 {
		for _, test := range []struct{ text, never string }{
			{"password alice-s3cret is wrong", "s3cret"},
			{"user alice", "alice"},
			{"line MIIEvQIBADANBg of a key", "MIIEvQ"},
			{"an answer that was cut: alice-s3c...", "s3c"},
		} {
			if got := judge.HideSecrets(file, test.text); strings.Contains(got, test.never) {
				t.Fatalf("%q becomes %q", test.text, got)
			}
		}
	}
	const harmless = "exit code 1 of 3 lines"
	if got := judge.HideSecrets(file, harmless); got != harmless {
		t.Errorf("%q becomes %q", harmless, got)
	}
}
