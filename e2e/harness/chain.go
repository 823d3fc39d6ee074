package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/chain"
	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/clusters"
	"github.com/interlink-hq/interlink-kubernetes-plugin/e2e/sandbox/engine"
)

// VirtualNode is the name of the node that Chain adds; manifests/examples use it.
const VirtualNode = "virtual-node"

// Chain runs InterLink's programs, from the folder that INTERLINK_BIN_DIR names, between
// the local cluster that Up created and a plugin, until ctx ends.
func (h *Harness) Chain(ctx context.Context, plugin string) (err error) {
	programs := os.Getenv("INTERLINK_BIN_DIR")
	if programs == "" {
		return errors.New("INTERLINK_BIN_DIR is not set: it must name the folder with InterLink's programs interlink and virtual-kubelet")
	}
	found, _, err := engine.Find(ctx)
	if err != nil {
		return err
	}
	exists := false
	if found {
		if exists, err = h.provider.Exists(clusters.Local); err != nil {
			return err
		}
	}
	if !exists {
		return errors.New("there is no local cluster: run make e2e-up to create it")
	}
	local, err := h.provider.Find(clusters.Local)
	if err != nil {
		return err
	}
	host, err := hostAddress(ctx)
	if err != nil {
		return err
	}
	folder := h.chainFolder()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	h.Log("starting InterLink: the virtual node is ready within a minute")
	c, err := chain.Start(ctx, chain.Config{
		BinDir: programs, WorkDir: folder, Kubeconfig: local.Kubeconfig, HostAddress: host, Plugin: plugin, NodeName: VirtualNode,
	})
	if err != nil {
		return err
	}
	h.Log("%s is ready; Ctrl-C stops InterLink and deletes the node", VirtualNode)
	return errors.Join(c.Wait(ctx), c.Stop())
}

func (h *Harness) chainFolder() string { return filepath.Join(h.Folder, "chain") }
