package cluster

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// After the address of the API server has changed, the cache has the pods of the new one, and not those of the last one,
// although no event says so: their resource versions are not comparable.
func TestTheCacheFollowsTheAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	texts := map[string]string{}
	for name, version := range map[string]int{"first": 1000, "second": 2000} {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			switch {
			case query.Get("sendInitialEvents") != "":
				failure(422, "Invalid", "lists only").ServeHTTP(w, r)
			case query.Get("watch") != "":
				w.Header().Set("Content-Type", jsonType)
				w.WriteHeader(200)
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			default:
				answer{code: 200, kind: jsonType, body: fmt.Sprintf(
					`{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"%d"},"items":[{"metadata":{"name":%q,"namespace":"n","resourceVersion":"%d","labels":{%q:%q,%q:%q}}}]}`,
					version, name, version, wire.LabelOffloading, wire.Offloading, wire.LabelPodUID, name)}.ServeHTTP(w, r)
			}
		}))
		defer server.CloseClientConnections() // ends the watch, for which Close would wait
		texts[name] = kubeconfigOf(t, server, "", "token")
	}
	writeFile(t, path, []byte(texts["first"]))
	client, err := Connect(config.K8s{KubeconfigPath: path}, "test")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(client, "", status.CachedFields, testkit.NewLog(t).Logger())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { c.Run(ctx) })
	testkit.Eventually(t, "the cache has the pod of the first server", func() bool { return c.CachedPod("first") != nil })
	writeFile(t, path, []byte(texts["second"]))
	client.Connection.rotation.look()
	testkit.Eventually(t, "the cache has the pod of the second server", func() bool { return c.CachedPod("second") != nil })
	testkit.Eventually(t, "the cache has not the pod of the first server", func() bool { return c.CachedPod("first") == nil })
}
