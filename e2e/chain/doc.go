// Package chain starts InterLink's real programs between a local cluster and a plugin:
// the virtual kubelet, which adds a virtual node to that cluster, and the InterLink API
// server, which passes requests of the virtual kubelet to the plugin.
//
//	c, err := chain.Start(ctx, chain.Config{...})   // the virtual node is Ready
//	defer c.Stop()                                  // deletes all that Start created
//
// Both run as processes on this host, with their output in WorkDir. The programs are not
// part of this project: the user names the folder that contains them.
//
// It knows only the address of the plugin, and nothing about the remote cluster.
package chain
