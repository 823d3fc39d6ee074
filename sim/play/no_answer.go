package play

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"syscall"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// noAnswer ends a scenario whose plugin does not answer a call. It is the error of that
// call, the first one.
type noAnswer struct {
	call string
	err  error
	// lostOnIdle says that the plugin closed an idle connection when the call was sent.
	lostOnIdle bool
}

func (n *noAnswer) Error() string {
	return fmt.Sprintf("the plugin did not answer %s: %s", n.call, virtualkubelet.Cause(n.err))
}

func (n *noAnswer) Unwrap() error { return n.err }

// requests are the requests of the virtual kubelet's calls.
var requests = map[string]string{
	"CreatePod": "POST /create", "GetStatus": "GET /status", "DeletePod": "POST /delete", "GetLogs": "GET /getLogs", "Ping": "the ping, GET /status",
}

// unanswered keeps the first call of a scenario that the plugin did not answer. It is
// safe for concurrent use.
type unanswered struct {
	mu    sync.Mutex
	first *noAnswer
}

// add keeps a call, if it is the first one.
func (u *unanswered) add(call virtualkubelet.Call) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.first == nil {
		u.first = &noAnswer{requests[call.Name], call.Err, call.LostOnIdle()}
	}
}

// err returns the call as an error; nil if the plugin has answered all calls.
func (u *unanswered) err() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.first == nil {
		return nil
	}
	return u.first
}

// unfinished returns why a scenario was not played to its end.
func unfinished(err error) *judge.Difference {
	var unanswered *noAnswer
	if errors.As(err, &unanswered) {
		rule := "HTTP-5"
		if unanswered.lostOnIdle {
			rule = "HTTP-6"
		}
		return &judge.Difference{Rule: rule, Text: unanswered.Error()}
	}
	return &judge.Difference{Text: err.Error()}
}

// foundNoServer reports whether a scenario ended because nothing listened at the plugin's
// address when it called. The plugin may have ended because of another scenario.
func foundNoServer(err error) bool {
	var unanswered *noAnswer
	return errors.As(err, &unanswered) && isAbsent(unanswered.err)
}

// isAbsent reports whether a call failed because nothing listens at the address.
func isAbsent(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}

// foldNoAnswer leaves one difference of a scenario that ended because a call was not
// answered: everything else follows from it. If the plugin refused to create a pod, and then
// did not answer the delete, that follows from the refusal.
func foldNoAnswer(result *report.Scenario, err error) {
	var unanswered *noAnswer
	if !errors.As(err, &unanswered) || len(result.Differences) == 0 {
		return
	}
	at := len(result.Differences) - 1 // judge names it last
	if first := result.Differences[0]; unanswered.call == requests["DeletePod"] && slices.Contains([]string{"CREATE-3", "CREATE-4"}, first.Rule) {
		at = 0
	}
	cause := result.Differences[at]
	for i, other := range result.Differences {
		if i == at {
			continue
		}
		cause.FollowOns = append(append(cause.FollowOns, other.String()), other.FollowOns...)
	}
	result.Differences = []report.Difference{cause}
}
