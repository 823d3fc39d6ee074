package server

import (
	"errors"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func (s *Server) create(w http.ResponseWriter, r *http.Request, info *requestInfo) error {
	response, err := s.createInTurn(w, r, info)
	if late, ok := errors.AsType[lateError](err); ok {
		late.Wait()
	}
	if err != nil {
		return err
	}
	// Any other status than 200, and a list instead of an object, make the local pod
	// Failed for good (docs/contract.md, CREATE-3 and CREATE-4).
	return writeJSON(w, http.StatusOK, response)
}

// lateError is an error that must not be answered before Wait returns.
type lateError interface {
	error
	Wait()
}

// createInTurn creates a pod. The request stays in memory until the create has ended, so a
// large one takes its turn until then.
func (s *Server) createInTurn(w http.ResponseWriter, r *http.Request, info *requestInfo) (wire.CreateResponse, error) {
	turn, err := s.largeCreates.enter(r)
	if err != nil {
		return wire.CreateResponse{}, err
	}
	defer turn.leave()
	var request wire.CreateRequest
	err = s.readWithinLimits(w, r, func(body []byte) error {
		turn.shrink(len(body)) // the length of a chunked body was unknown
		return decodeCreate(body, &request)
	})
	info.setPod(&request.Pod)
	if err != nil {
		return wire.CreateResponse{}, err
	}
	return s.options.Lifecycle.Create(info.context(r.Context()), &request)
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request, info *requestInfo) error {
	var pod corev1.Pod
	err := s.readBody(w, r, func(body []byte) error { return decodeDelete(body, &pod) })
	info.setPod(&pod)
	if err != nil {
		return err
	}
	if err := s.options.Lifecycle.Delete(info.context(r.Context()), &pod); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, "Pod '"+string(pod.UID)+"' deleted")
}

func (s *Server) status(w http.ResponseWriter, r *http.Request, info *requestInfo) error {
	var pods []corev1.Pod
	err := s.readBody(w, r, func(body []byte) error {
		err := decodeStatus(body, &pods)
		if err == nil {
			s.handOver(body, pods)
		}
		return err
	})
	if len(pods) == 1 {
		info.setPod(&pods[0])
	}
	info.pods, info.listed = len(pods), true
	if err != nil {
		return err
	}
	if len(pods) == 0 {
		return s.ping(w)
	}
	statuses, err := s.options.Lifecycle.Status(info.context(r.Context()), pods)
	if err != nil {
		return err
	}
	if statuses == nil {
		statuses = []wire.PodStatus{} // nil would be JSON's null
	}
	return writeJSON(w, http.StatusOK, statuses)
}

// handOver hands the pods of a status request that a create waits for over to it. pods is what
// the status is reported from.
func (s *Server) handOver(body []byte, pods []corev1.Pod) {
	needed := func(pod corev1.Pod) bool { return s.options.Originals.NeedsOriginal(pod.UID) }
	if s.options.Originals == nil || !slices.ContainsFunc(pods, needed) {
		return
	}
	var whole []corev1.Pod
	if decodeJSON(body, &whole) != nil {
		return // the status can be reported all the same
	}
	for i := range whole {
		s.options.Originals.HandOver(&whole[i])
	}
}

// ping answers a request for no pod (docs/contract.md, PING-1), without the lifecycle: a
// ping that fails makes the virtual node NotReady (PING-3), and a remote cluster that
// is unavailable must not do that unless the configuration says so. An answer without
// resources is an empty list, which says nothing about the node.
func (s *Server) ping(w http.ResponseWriter) error {
	if s.options.Ping != nil {
		response, err := s.options.Ping()
		if err != nil {
			return err
		}
		if response != nil {
			return writeJSON(w, http.StatusOK, response)
		}
	}
	return writeJSON(w, http.StatusOK, []wire.PodStatus{})
}
