package translate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// meshSidecar adds the container that sets up InterLink's network for the pod, if the
// request asks for one: a mesh, or else a tunnel (docs/contract.md, NET-1 to NET-3).
func (t *translation) meshSidecar(spec *corev1.PodSpec) {
	script, others, err := mesh.ExtractScript(t.pod.Annotations[wire.AnnotationPreExec])
	disabled := strings.EqualFold(strings.TrimSpace(t.pod.Annotations[wire.AnnotationMeshNetwork]), "disabled")
	commands := strings.TrimSpace(t.pod.Annotations[wire.AnnotationTunnelCommands])
	// The status of a container with this name would be read as that of the mesh.
	if hasContainer(&t.pod.Spec, mesh.Container) {
		t.addProblem("container name %s is reserved for the container that sets up a mesh network", mesh.Container)
		return
	}
	switch {
	case err != nil && !disabled:
		t.addProblem("annotation %s: the mesh script is malformed: %s", wire.AnnotationPreExec, err)
		return
	case len(mesh.Commands(others)) > 0:
		t.warn("annotation %s: the commands outside the mesh script are for batch systems and do not run", wire.AnnotationPreExec)
	}
	options := t.options.Mesh
	switch {
	case script != "" && !disabled:
		if commands != "" {
			t.warn("annotation %s: the tunnel is not set up, since the pod has a mesh", wire.AnnotationTunnelCommands)
		}
		if spec.HostNetwork {
			t.addProblem("the pod uses the network of its node (hostNetwork), which a mesh must not change; annotation %s=disabled runs the pod without the mesh", wire.AnnotationMeshNetwork)
			return
		}
		sidecar := mesh.NewSidecar(script, t.pod, t.meshSecretName(), options)
		t.injectSidecar(&sidecar, spec, options.InitContainer)
	case commands == "":
	case options.Tunnel:
		sidecar := mesh.NewTunnelSidecar(commands, t.pod, t.meshSecretName(), options)
		t.injectSidecar(&sidecar, spec, true)
	default:
		t.warn("annotation %s: the tunnel is not set up, since [mesh] tunnel is false", wire.AnnotationTunnelCommands)
	}
}

// meshSecretName returns the remote name of the Secret with the files of the sidecar.
// The slash in the local name differs from all names of real Secrets.
func (t *translation) meshSecretName() string { return t.name("mesh/setup") }

// injectSidecar adds the sidecar, its volumes and its Secret to the pod. A native
// sidecar starts before the pod's own init containers, so that they have the network
// too.
func (t *translation) injectSidecar(sidecar *mesh.Sidecar, spec *corev1.PodSpec, native bool) {
	name := sidecar.Container.Name
	if hasContainer(spec, name) {
		t.addProblem("container name %s is reserved for the container that sets up the pod's network", name)
		return
	}
	for _, volume := range sidecar.Volumes {
		if slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == volume.Name }) {
			t.addProblem("volume name %s is reserved for a volume of the pod's network", volume.Name)
			return
		}
	}
	secret := t.newSecret(name, t.meshSecretName())
	for i := range sidecar.Volumes {
		volume := &sidecar.Volumes[i]
		if volume.Secret == nil {
			continue
		}
		for path, content := range sidecar.Files {
			key := fileKey(path)
			secret.Data[key] = content
			volume.Secret.Items = append(volume.Secret.Items, corev1.KeyToPath{Key: key, Path: path})
		}
		slices.SortFunc(volume.Secret.Items, func(a, b corev1.KeyToPath) int { return strings.Compare(a.Path, b.Path) })
	}
	t.generatedSecrets = append(t.generatedSecrets, secret)
	spec.Volumes = append(spec.Volumes, sidecar.Volumes...)
	if native {
		spec.InitContainers = slices.Insert(spec.InitContainers, 0, sidecar.Container)
	} else {
		spec.Containers = append(spec.Containers, sidecar.Container)
	}
}
