package node

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestLogOptions(t *testing.T) {
	writtenAt := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	output := &runOutput{writtenAt: writtenAt, lines: []string{"one", "two", "three"}}
	for _, test := range []struct {
		name    string
		options corev1.PodLogOptions
		want    string
	}{
		{"all", corev1.PodLogOptions{}, "one\ntwo\nthree\n"},
		{"tail", corev1.PodLogOptions{TailLines: ptr.To[int64](2)}, "two\nthree\n"},
		{"tail longer than the log", corev1.PodLogOptions{TailLines: ptr.To[int64](9)}, "one\ntwo\nthree\n"},
		{"tail of no lines", corev1.PodLogOptions{TailLines: ptr.To[int64](0)}, ""},
		{"limit of bytes", corev1.PodLogOptions{LimitBytes: ptr.To[int64](5)}, "one\nt"},
		{"tail with timestamps", corev1.PodLogOptions{TailLines: ptr.To[int64](1), Timestamps: true}, "2026-01-02T03:04:05Z three\n"},
		{"written before sinceSeconds", corev1.PodLogOptions{SinceSeconds: ptr.To[int64](9)}, ""},
		{"written after sinceSeconds", corev1.PodLogOptions{SinceSeconds: ptr.To[int64](10)}, "one\ntwo\nthree\n"},
		{"written before sinceTime", corev1.PodLogOptions{SinceTime: &metav1.Time{Time: writtenAt.Add(1)}}, ""},
		{"written at sinceTime", corev1.PodLogOptions{SinceTime: &metav1.Time{Time: writtenAt}}, "one\ntwo\nthree\n"},
	} {
		if got := string(output.text(&test.options, writtenAt.Add(10*time.Second))); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
