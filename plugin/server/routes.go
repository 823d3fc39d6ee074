package server

import "net/http"

// route is the handler of one path. serve sends the response, or returns the error
// that serveHTTP sends.
type route struct {
	methods []string
	serve   func(w http.ResponseWriter, r *http.Request, info *requestInfo) error
}

// apiRoutes is the table of the paths that InterLink calls. InterLink sends bodies
// with GET. Like the Python plugin, this one also accepts POST for them
// (docs/contract.md, HTTP-8).
func (s *Server) apiRoutes() map[string]route {
	return map[string]route{
		"/create":  {[]string{http.MethodPost}, s.create},
		"/delete":  {[]string{http.MethodPost}, s.delete},
		"/status":  {[]string{http.MethodGet, http.MethodPost}, s.status},
		"/getLogs": {[]string{http.MethodGet, http.MethodPost}, s.logs},
	}
}
