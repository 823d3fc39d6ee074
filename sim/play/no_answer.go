package play

import (
	"errors"
	"fmt"
	"sync"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/virtualkubelet"
)

// noAnswer ends a scenario whose plugin does not answer a call. It is the error of that
// call, the first one.
type noAnswer struct {
	call string
	err  error
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
		u.first = &noAnswer{requests[call.Name], call.Err}
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
		return &judge.Difference{Rule: "HTTP-5", Text: unanswered.Error()}
	}
	return &judge.Difference{Text: err.Error()}
}

// foldNoAnswer leaves one difference of a scenario that ended because a call was not
// answered: everything else follows from it.
func foldNoAnswer(result *report.Scenario, err error) {
	if !errors.As(err, new(*noAnswer)) || len(result.Differences) == 0 {
		return
	}
	last := len(result.Differences) - 1
	cause := result.Differences[last] // judge names it last
	for _, other := range result.Differences[:last] {
		cause.FollowOns = append(append(cause.FollowOns, other.String()), other.FollowOns...)
	}
	result.Differences = []report.Difference{cause}
}
