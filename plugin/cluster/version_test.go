package cluster

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// The version is the API server's, and a failure is none.
func TestVersion(t *testing.T) {
	for _, test := range []struct {
		answer answer
		want   string
		kind   errdefs.Kind
	}{
		{answer{code: 200, kind: jsonType, body: `{"gitVersion":"v1.37.2","platform":"linux/amd64"}`}, "v1.37.2", ""},
		{answer{code: 200, kind: htmlType, body: page}, "", errdefs.Unavailable},
		{failure(401, "Unauthorized", "Unauthorized"), "", errdefs.Unavailable},
	} {
		server := httptest.NewTLSServer(test.answer)
		got, err := NewReviewer(connectTo(t, server, "")).Version(t.Context())
		if !strings.Contains(got, test.want) || errdefs.KindOf(err) != test.kind || (got == "") != (test.want == "") {
			t.Errorf("answered with %+v, the version is %q, %v", test.answer, got, err)
		}
		server.Close()
	}
}
