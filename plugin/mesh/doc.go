// Package mesh turns what InterLink writes into a pod's annotations for its network
// (docs/contract.md, NET-1 to NET-4) into a container that sets up this network next
// to the workload: a full mesh, or a tunnel. It also tells from a remote pod's status
// whether the mesh works.
//
// The user can write these annotations too. So the package takes only values from
// them, checks each one, and gives them in files to scripts of its own (NET-7). It runs
// the text of a pod only if the site says so ([mesh] scripts = any).
//
// It is pure: it reads a pod and returns containers, volumes and files. It must not
// know where the files are stored (plugin/translate creates a Secret), nor who may have
// a mesh.
//
// extract_script.go finds the script, text.go recognizes it and takes its values, and
// values.go and wireguard.go check them; known_texts.json holds the hashes of the scripts
// that every site knows. tunnel_commands.go takes the arguments of a tunnel. sidecar.go
// builds the container of the mesh, slurm.go adapts it to scripts for Slurm,
// tunnel_sidecar.go builds the container of the tunnel, and health.go reads the status of
// the mesh. The folder files holds what runs in the containers.
package mesh
