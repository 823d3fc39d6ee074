package server

import (
	"context"
	"net/http"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// route is one path. The function answers the request, or returns the error that
// serveHTTP is to answer with.
type route struct {
	methods []string
	serve   func(w http.ResponseWriter, r *http.Request, about *subject) error
}

// subject is the pod that a request is about, for the log.
type subject struct {
	namespace, name, uid string
	pods                 int
}

func (a *subject) set(namespace, name, uid string) {
	*a = subject{namespace: namespace, name: name, uid: uid, pods: 1}
}

func (a *subject) setPod(pod *corev1.Pod) { a.set(pod.Namespace, pod.Name, string(pod.UID)) }

// apiRoutes is the table of what InterLink calls. It sends bodies on GET; the
// Python plugin took POST as well, and so does this one.
func (s *Server) apiRoutes() map[string]route {
	return map[string]route{
		"/create":  {[]string{http.MethodPost}, s.create},
		"/delete":  {[]string{http.MethodPost}, s.delete},
		"/status":  {[]string{http.MethodGet, http.MethodPost}, s.status},
		"/getLogs": {[]string{http.MethodGet, http.MethodPost}, s.logs},
	}
}

func (s *Server) create(w http.ResponseWriter, r *http.Request, about *subject) error {
	var request wire.CreateRequest
	err := s.read(w, r, func(body []byte) error { return decodeCreate(body, &request) })
	about.setPod(&request.Pod)
	if err != nil {
		return err
	}
	answer, err := s.options.Lifecycle.Create(r.Context(), &request)
	if err != nil {
		return err
	}
	// 200 and one object: at a 201, or at a list, InterLink fails the pod for good.
	return writeJSON(w, http.StatusOK, answer)
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request, about *subject) error {
	var pod corev1.Pod
	err := s.read(w, r, func(body []byte) error { return decodeDelete(body, &pod) })
	about.setPod(&pod)
	if err != nil {
		return err
	}
	if err := s.options.Lifecycle.Delete(r.Context(), &pod); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, "Pod '"+string(pod.UID)+"' deleted")
}

func (s *Server) status(w http.ResponseWriter, r *http.Request, about *subject) error {
	var pods []corev1.Pod
	err := s.read(w, r, func(body []byte) error { return decodeStatus(body, &pods) })
	if len(pods) == 1 {
		about.setPod(&pods[0])
	}
	about.pods = len(pods)
	if err != nil {
		return err
	}
	answer, err := s.statusOf(r.Context(), pods)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, answer)
}

// statusOf answers the ping, a question about no pod, without asking the
// lifecycle: a remote cluster out of reach must not make the virtual node
// NotReady. The answer is never null.
func (s *Server) statusOf(ctx context.Context, pods []corev1.Pod) ([]wire.PodStatus, error) {
	if len(pods) == 0 {
		return []wire.PodStatus{}, nil
	}
	answer, err := s.options.Lifecycle.Status(ctx, pods)
	if answer == nil {
		answer = []wire.PodStatus{}
	}
	return answer, err
}
