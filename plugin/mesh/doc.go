// Package mesh turns what InterLink writes into a pod's annotations for its network
// (docs/contract.md, NET-1 to NET-4) into a container that sets up this network next
// to the workload: the script of the full mesh, or the commands of a tunnel. It also
// tells from a remote pod's status whether the mesh works.
//
// It is pure: it reads a pod and returns containers, volumes and files. It must not
// know where the files are stored (plugin/translate creates a Secret), nor interpret
// the script: it runs exactly the text inside the heredoc.
//
// extract_script.go finds the script, sidecar.go builds the container of the mesh,
// slurm.go adapts it to scripts for Slurm, tunnel_sidecar.go builds the container of
// the tunnel, and health.go reads the status of the mesh. The folder files holds what
// runs in the containers.
package mesh
