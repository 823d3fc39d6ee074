package scenario

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// Other lists of phases are right for other plugins only.
func TestOtherPhases(t *testing.T) {
	file := &File{Scenario: Scenario{Level: LevelCore, Expect: Expect{Pods: map[string]PodExpectation{"app": {
		Phases: []corev1.PodPhase{"Pending"}, OtherPhases: [][]corev1.PodPhase{{"Pending", "Failed"}},
	}}}}}
	for _, test := range []struct {
		file   *File
		phases []corev1.PodPhase
		want   bool
	}{
		{file.ForThisPlugin(), []corev1.PodPhase{"Pending"}, true},
		{file.ForThisPlugin(), []corev1.PodPhase{"Pending", "Failed"}, false},
		{file.Portable(nil), []corev1.PodPhase{"Pending"}, true},
		{file.Portable(nil), []corev1.PodPhase{"Pending", "Failed"}, true},
		{file.Portable(nil), []corev1.PodPhase{"Pending", "Succeeded"}, false},
	} {
		expected := test.file.Expect.Pods["app"]
		if got := expected.AllowsPhases(test.phases); got != test.want {
			t.Errorf("portable %v, phases %v: %v, expected %v", test.file.IsPortable(), test.phases, got, test.want)
		}
	}
}
