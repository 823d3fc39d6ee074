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
	response, err := k.client.sendLogs(ctx, body)
	call := Call{Name: "GetLogs", Duration: time.Since(start), Err: err}
	if err == nil {
		call.Status = response.StatusCode
	}
	if err == nil && call.Status != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // only InterLink says something with it
		_ = response.Body.Close()
		call.Status, _, call.Err = k.client.protocol.read(k.client.protocol.logs, call.Status, text)
	}
	k.client.observe(call)
	switch {
	case call.Err != nil:
		return nil, fmt.Errorf("logs of pod %s: %w", name, call.Err)
	case call.Status != http.StatusOK: // kubectl shows only the number
		return nil, fmt.Errorf("logs of pod %s: Status code: %d", name, call.Status)
	}
	return response.Body, nil
}
