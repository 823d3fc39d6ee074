package translate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// meshSidecar adds the container that sets up InterLink's network for the pod, if the
// request asks for one: a mesh, or else a tunnel (docs/contract.md, NET-1 to NET-3). The
// user can write the annotations as well as InterLink, so the container runs the plugin's
// own script, with values that have been checked, unless the site trusts all users.
func (t *translation) meshSidecar(spec *corev1.PodSpec) {
	// The status of a container with this name would be read as that of the mesh.
	if hasContainer(&t.pod.Spec, mesh.Container) {
		t.addProblem("container name %s is reserved for the container that sets up a mesh network", mesh.Container)
		return
	}
	script, others, err := mesh.ExtractScript(t.pod.Annotations[wire.AnnotationPreExec])
	options := t.options.Mesh
	wantsMesh := script != "" || err != nil
	switch disabled := strings.TrimSpace(t.pod.Annotations[wire.AnnotationMeshNetwork]); {
	case !wantsMesh:
	case strings.EqualFold(disabled, "disabled"):
		wantsMesh = false
	case options.Enabled:
	case options.WhenOff == config.RunWithoutMesh:
		t.warn(WarnMesh, "annotation %s: the pod runs without the mesh network that it asks for, since [mesh] enabled is false", wire.AnnotationPreExec)
		wantsMesh = false
	default:
		t.refuse(RefusedMesh, "annotation %s: the pod asks for a mesh network, and this site has none ([mesh] enabled is false); annotation %s=disabled runs the pod without it", wire.AnnotationPreExec, wire.AnnotationMeshNetwork)
		return
	}
	switch {
	case wantsMesh && err != nil:
		t.addProblem("annotation %s: the mesh script is malformed: %s", wire.AnnotationPreExec, err)
		return
	case len(mesh.Commands(others)) > 0:
		t.warn(WarnMesh, "annotation %s: the commands outside the mesh script are for batch systems and do not run", wire.AnnotationPreExec)
	}
	commands := strings.TrimSpace(t.pod.Annotations[wire.AnnotationTunnelCommands])
	switch {
	case wantsMesh:
		if commands != "" {
			t.warn(WarnMesh, "annotation %s: the tunnel is not set up, since the pod has a mesh", wire.AnnotationTunnelCommands)
		}
		t.mesh(script, spec)
	case commands == "":
	case options.Tunnel:
		t.tunnel(commands, spec)
	default:
		t.warn(WarnMesh, "annotation %s: the tunnel is not set up, since [mesh] tunnel is false", wire.AnnotationTunnelCommands)
	}
}

// setsUpMesh reports whether the remote pod gets a mesh.
func (t *translation) setsUpMesh() bool {
	script, _, err := mesh.ExtractScript(t.pod.Annotations[wire.AnnotationPreExec])
	disabled := strings.EqualFold(strings.TrimSpace(t.pod.Annotations[wire.AnnotationMeshNetwork]), "disabled")
	return script != "" && err == nil && !disabled && t.options.Mesh.Enabled
}

// mesh adds the container that sets up the mesh.
func (t *translation) mesh(script string, spec *corev1.PodSpec) {
	if spec.HostNetwork {
		t.addProblem("the pod uses the network of its node (hostNetwork), which a mesh must not change; annotation %s=disabled runs the pod without the mesh", wire.AnnotationMeshNetwork)
		return
	}
	options := t.options.Mesh
	var sidecar mesh.Sidecar
	if options.Scripts == config.AnyScript {
		sidecar = mesh.NewSidecarOfPod(script, t.pod, t.meshSecretName(), options)
	} else {
		values, err := mesh.ReadValues(script, t.options.MeshTexts)
		if err != nil {
			t.refuse(RefusedMesh, "annotation %s: %s", wire.AnnotationPreExec, strings.ReplaceAll(err.Error(), "\n", "; "))
			return
		}
		sidecar = mesh.NewSidecar(values, t.pod, t.meshSecretName(), options)
	}
	t.injectSidecar(&sidecar, spec, options.InitContainer)
}

// tunnel adds the container that keeps the tunnel open.
func (t *translation) tunnel(commands string, spec *corev1.PodSpec) {
	options := t.options.Mesh
	var sidecar mesh.Sidecar
	if options.Scripts == config.AnyScript {
		sidecar = mesh.NewTunnelSidecarOfPod(commands, t.pod, t.meshSecretName(), options)
	} else {
		arguments, err := mesh.TunnelArguments(commands)
		if err != nil {
			t.refuse(RefusedMesh, "annotation %s: %s", wire.AnnotationTunnelCommands, err)
			return
		}
		sidecar = mesh.NewTunnelSidecar(arguments, t.pod, t.meshSecretName(), options)
	}
	t.injectSidecar(&sidecar, spec, true)
}

// meshSecretName returns the remote name of the Secret with the files of the sidecar.
// The slash in the local name differs from all names of real Secrets.
func (t *translation) meshSecretName() string { return t.options.Scope.MeshSecretName(t.uid) }

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
