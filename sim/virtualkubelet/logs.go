package virtualkubelet

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// Logs requests a container's log. The caller closes it. A log that is followed
// also ends with the context.
func (k *Kubelet) Logs(ctx context.Context, name, container string, opts wire.LogOpts) (io.ReadCloser, error) {
	pod, err := k.find(name)
	if err != nil {
		return nil, err
	}
	body := interlink.LogRequest(pod.admitted, container, opts)
	start := time.Now()
	response, err := k.client.send(ctx, http.MethodGet, "/getLogs", k.client.session("GetLogs"), body)
	call := Call{Name: "GetLogs", Duration: time.Since(start), Err: err}
	if err == nil {
		call.Status = response.StatusCode
	}
	k.client.observe(call)
	if err != nil {
		return nil, fmt.Errorf("logs of pod %s: %w", name, err)
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close() // kubectl shows only the number
		return nil, fmt.Errorf("logs of pod %s: Status code: %d", name, response.StatusCode)
	}
	return response.Body, nil
}
