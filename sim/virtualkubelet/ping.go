package virtualkubelet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Ping sends a ping and returns the text of the answer, which may be an object with
// the node's resources (docs/contract.md, PING-4). An error makes the node NotReady.
// [Kubelet.Node] then shows them.
func (k *Kubelet) Ping(ctx context.Context) ([]byte, error) {
	answer, err := k.ping(ctx)
	k.show(answer, err)
	return answer, err
}

func (k *Kubelet) ping(ctx context.Context) ([]byte, error) {
	status, answer, err := k.client.call(ctx, k.client.protocol.ping, k.client.protocol.pingSession(k.client), k.client.protocol.pingBody)
	if err != nil {
		return nil, fmt.Errorf("ping: %w", err)
	}
	if status != http.StatusOK {
		return answer, fmt.Errorf("ping was answered %d: %s", status, message(answer))
	}
	return answer, nil
}

// CheckPlugin sends a ping, and returns an error if the answer is not a plugin's.
// It is stricter than InterLink, to find a wrong address.
func (k *Kubelet) CheckPlugin(ctx context.Context) error {
	ping := "GET /status with []"
	if k.interLink {
		ping = "POST /pinglink"
	}
	answer, err := k.Ping(ctx)
	switch {
	case err != nil && k.interLink:
		return fmt.Errorf("there is no InterLink API server with a plugin at %s: %w", k.address, err)
	case err != nil:
		return fmt.Errorf("there is no plugin at %s: %w", k.address, err)
	}
	text := bytes.TrimSpace(answer)
	if !json.Valid(text) || text[0] != '[' && text[0] != '{' {
		return fmt.Errorf("the server at %s is no plugin: it answers the ping (%s) with %q", k.address, ping, excerpt(text))
	}
	return nil
}
