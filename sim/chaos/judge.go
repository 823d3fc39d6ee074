package chaos

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// A Finding is something that must not happen.
type Finding struct {
	Kind string // one of findingKinds
	Text string
}

// The kinds of findings.
const (
	Doubled   = "doubled"       // a second remote pod came to be for a local pod
	Lost      = "lost"          // the pod, or something that it needs, is not there
	Left      = "left behind"   // something is left after the pod's delete
	Failed    = "wrongly ended" // the local cluster shows that the pod has failed or succeeded
	WrongID   = "wrong job ID"  // InterLink has another job ID than the pod's
	Otherwise = "other"         // all else, such as a program that does not stop
)

var findingKinds = []string{Doubled, Lost, Left, Failed, WrongID, Otherwise}

// An observation is what a run of the matrix has seen.
type observation struct {
	Case
	reached   bool   // the fault has happened
	answered  bool   // the create was answered 200
	refusal   string // the text of a create that failed; empty if it was killed
	forgotten bool   // InterLink does not wait for the create any more

	remotePods int      // how many remote pods there ever were
	ranPods    int      // how many of them ran
	remoteName string   // of the remote pod; empty if there was none
	jobID      string   // that InterLink has
	wrongID    string   // says that an answer to a create has another ID than it must
	runs       bool     // the local cluster has shown that the pod runs
	missing    []string // objects that the remote pod needs, and that are not there
	early      string   // what was missing when a container started

	phases []corev1.PodPhase // that the local cluster showed, in order, before the delete
	left   []string          // objects that are left after the delete
	other  []string
}

// judge compares what was seen with what must be.
func judge(o observation) []Finding {
	var found []Finding
	add := func(kind, format string, args ...any) {
		found = append(found, Finding{kind, fmt.Sprintf(format, args...)})
	}
	// A pod that a full quota refuses is deleted before it runs, and made again later.
	waits := o.Fault == "403-quota" && !o.Deleting
	if o.remotePods > 1 && !waits || o.ranPods > 1 {
		add(Doubled, "%d remote pods were made for one local pod, and %d of them ran", o.remotePods, o.ranPods)
	}
	mayFail := slices.Contains(final, o.Fault) && !o.Deleting
	killedCreate := o.kills() && !o.Deleting && o.Then != thenAgain
	switch {
	case o.answered:
		if !o.runs || o.remoteName == "" {
			add(Lost, "the create was answered 200, and the pod does not run (remote pod %q, phases %v)", o.remoteName, o.phases)
		}
		if len(o.missing) > 0 {
			add(Lost, "the pod runs without %v", o.missing)
		}
		if o.wrongID != "" {
			add(WrongID, "%s", o.wrongID)
		}
		if o.jobID != o.remoteName || o.jobID == "" {
			add(WrongID, "InterLink has the job ID %q, and the remote pod the name %q", o.jobID, o.remoteName)
		}
	case o.reached && (killedCreate || o.forgotten):
	case mayFail && !hasWords(o.refusal, o.Fault):
		add(Failed, "the create fails without the words of the API server: %s", o.refusal)
	case mayFail:
	default:
		add(Failed, "the create fails: %s", o.refusal)
	}
	if o.early != "" {
		add(Lost, "%s", o.early)
	}
	ended := func(p corev1.PodPhase) bool { return p == corev1.PodFailed || p == corev1.PodSucceeded }
	if (o.answered || o.forgotten) && slices.ContainsFunc(o.phases, ended) {
		add(Failed, "the local cluster shows %v", o.phases)
	}
	if len(o.left) > 0 {
		add(Left, "%v", o.left)
	}
	for _, text := range o.other {
		add(Otherwise, "%s", text)
	}
	return found
}

// words are parts of the texts of final faults.
var words = map[string]string{"403-rights": "cannot do this", "413": "too large", "500-too-large": "too large"}

func hasWords(text, fault string) bool { return strings.Contains(text, words[fault]) }
