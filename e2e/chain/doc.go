// Package chain starts InterLink's real programs between a local cluster and a
// plugin: the virtual kubelet, which shows a virtual node in that cluster, and the
// InterLink API server, which stands between the virtual kubelet and the plugin.
//
//	c, err := chain.Start(ctx, chain.Config{...})   // the virtual node is Ready
//	defer c.Stop()                                  // nothing is left behind
//
// Both run on this host, as processes with their output in WorkDir. The programs
// themselves are not part of this project: the user names the folder that they are in.
//
// It knows no more of the plugin than its address, and nothing of the remote cluster.
package chain
