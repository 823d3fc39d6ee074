package interruptions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// call sends a request as InterLink does. It returns an error if the plugin ends before it answers.
func (i *instance) call(method, path string, body any) (int, []byte, error) {
	return i.callUntil(context.Background(), method, path, body)
}

// callUntil is call; the caller gives up when ctx ends.
func (i *instance) callUntil(ctx context.Context, method, path string, body any) (int, []byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://unix"+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(wire.SessionHeader, "Test#1")
	answer, err := i.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err = io.ReadAll(answer.Body)
	return answer.StatusCode, text, err
}

// tryCreate sends a create, and returns the job ID.
func (i *instance) tryCreate(r wire.CreateRequest) (jid string, err error) {
	code, text, err := i.call(http.MethodPost, "/create", r)
	if err != nil {
		return "", err
	}
	var answer wire.CreateResponse
	if code != http.StatusOK {
		return "", fmt.Errorf("create answers %d %s", code, text)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", err
	}
	if answer.PodUID != string(r.Pod.UID) || answer.PodJID == "" {
		return "", fmt.Errorf("create answers %s", text)
	}
	return answer.PodJID, nil
}

// create sends a create, which must succeed.
func (i *instance) create(r wire.CreateRequest) (jid string) {
	i.site.t.Helper()
	jid, err := i.tryCreate(r)
	if err != nil {
		i.site.t.Errorf("%s: %v", r.Pod.Name, err)
	}
	return jid
}

// createAll sends creates, many at a time, which must succeed. It returns the job IDs.
func (i *instance) createAll(requests []wire.CreateRequest) []string {
	i.site.t.Helper()
	jids := make([]string, len(requests))
	atOnce(len(requests), func(n int) { jids[n] = i.create(requests[n]) })
	return jids
}

// tryDelete sends a delete.
func (i *instance) tryDelete(r wire.CreateRequest, jid string) error {
	code, text, err := i.call(http.MethodPost, "/delete", withJobID(r, jid))
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("delete answers %d %s", code, text)
	}
	return err
}

// delete sends a delete, which must succeed.
func (i *instance) delete(r wire.CreateRequest, jid string) {
	i.site.t.Helper()
	if err := i.tryDelete(r, jid); err != nil {
		i.site.t.Errorf("%s: %v", r.Pod.Name, err)
	}
}

// status asks for the status of a pod.
func (i *instance) status(r wire.CreateRequest, jid string) (wire.PodStatus, error) {
	code, text, err := i.call(http.MethodGet, "/status", []corev1.Pod{withJobID(r, jid)})
	if err != nil {
		return wire.PodStatus{}, err
	}
	var answer []wire.PodStatus
	if code != http.StatusOK {
		return wire.PodStatus{}, fmt.Errorf("status answers %d %s", code, text)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return wire.PodStatus{}, err
	}
	if len(answer) != 1 || answer[0].UID != string(r.Pod.UID) {
		return wire.PodStatus{}, errors.New("status answers " + string(text))
	}
	answer[0].JID = "" // its form has changed
	return answer[0], nil
}

// log returns the log of a pod's container.
func (i *instance) log(r wire.CreateRequest) (string, error) {
	code, text, err := i.call(http.MethodGet, "/getLogs", wire.LogRequest{
		Namespace: r.Pod.Namespace, PodName: r.Pod.Name, PodUID: string(r.Pod.UID), ContainerName: "main"})
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("getLogs answers %d %s", code, text)
	}
	return string(text), err
}

// atOnce calls do for 0 to count-1, many at a time.
func atOnce(count int, do func(n int)) {
	var group sync.WaitGroup
	slots := make(chan struct{}, 16)
	for n := range count {
		slots <- struct{}{}
		group.Go(func() { defer func() { <-slots }(); do(n) })
	}
	group.Wait()
}
