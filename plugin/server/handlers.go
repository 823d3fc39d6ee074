package server

import (
	"context"
	"net/http"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func (s *Server) create(w http.ResponseWriter, r *http.Request, info *requestInfo) error {
	var request wire.CreateRequest
	err := s.readBody(w, r, func(body []byte) error { return decodeCreate(body, &request) })
	info.setPod(&request.Pod)
	if err != nil {
		return err
	}
	response, err := s.options.Lifecycle.Create(r.Context(), &request)
	if err != nil {
		return err
	}
	// Any other status than 200, and a list instead of an object, make the local pod
	// Failed for good (docs/contract.md, CREATE-3 and CREATE-4).
	return writeJSON(w, http.StatusOK, response)
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request, info *requestInfo) error {
	var pod corev1.Pod
	err := s.readBody(w, r, func(body []byte) error { return decodeDelete(body, &pod) })
	info.setPod(&pod)
	if err != nil {
		return err
	}
	if err := s.options.Lifecycle.Delete(r.Context(), &pod); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, "Pod '"+string(pod.UID)+"' deleted")
}

func (s *Server) status(w http.ResponseWriter, r *http.Request, info *requestInfo) error {
	var pods []corev1.Pod
	err := s.readBody(w, r, func(body []byte) error { return decodeStatus(body, &pods) })
	if len(pods) == 1 {
		info.setPod(&pods[0])
	}
	info.pods = len(pods)
	if err != nil {
		return err
	}
	statuses, err := s.statusOf(r.Context(), pods)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, statuses)
}

// statusOf returns the status of pods. The ping is a request for no pod
// (docs/contract.md, PING-1); the server answers it without the lifecycle, because a
// ping that fails makes the virtual node NotReady (PING-3), and a remote cluster that
// is unavailable must not do that. The result is never nil: it would be JSON's null.
func (s *Server) statusOf(ctx context.Context, pods []corev1.Pod) ([]wire.PodStatus, error) {
	if len(pods) == 0 {
		return []wire.PodStatus{}, nil
	}
	statuses, err := s.options.Lifecycle.Status(ctx, pods)
	if statuses == nil {
		statuses = []wire.PodStatus{}
	}
	return statuses, err
}
