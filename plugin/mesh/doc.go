// Package mesh makes of what InterLink wrote into a pod's annotations for its
// network (contract, section 3) the container that sets this network up beside
// the workload: the script of the full mesh, or the command of a tunnel.
//
// It is pure: it reads a pod and gives containers, volumes and files. It knows
// neither where the files go (plugin/translate makes a Secret of them) nor what
// becomes of the container (plugin/status). It must not understand the script:
// what stands between the marks is run as it is, and nothing else.
//
// heredoc.go finds the script, setup.go makes the mesh's container and client.go
// the tunnel's. The folder files holds what runs in them.
package mesh
