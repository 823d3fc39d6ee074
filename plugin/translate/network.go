package translate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// network adds the container that InterLink's network for the pod needs, if it
// asks for one: a mesh, or without one a tunnel (contract, section 3).
func (t *translation) network(spec *corev1.PodSpec) {
	script, rest, err := mesh.Script(t.pod.Annotations[wire.AnnotationPreExec])
	disabled := strings.EqualFold(strings.TrimSpace(t.pod.Annotations[wire.AnnotationMeshNetwork]), "disabled")
	commands := strings.TrimSpace(t.pod.Annotations[wire.AnnotationTunnelCommands])
	// Status would take these for the mesh's, whoever they are.
	if hasContainer(&t.pod.Spec, mesh.Container) {
		t.problem("a container of the pod is called %s, as the one that sets a mesh network up", mesh.Container)
		return
	}
	switch {
	case err != nil && !disabled:
		t.problem("the mesh script in annotation %s cannot be understood: %s", wire.AnnotationPreExec, err)
		return
	case len(mesh.Commands(rest)) > 0:
		t.warn("annotation %s: commands beside the mesh script are for batch systems and are not run", wire.AnnotationPreExec)
	}
	switch o := t.options.Mesh; {
	case script != "" && !disabled:
		if commands != "" {
			t.warn("annotation %s: the tunnel is not set up, since the pod has a mesh", wire.AnnotationTunnelCommands)
		}
		t.mesh(script, spec)
	case commands == "":
	case o.Tunnel:
		part := mesh.Client(commands, t.pod, t.networkSecret(), o)
		t.join(&part, spec, true)
	default:
		t.warn("annotation %s: the tunnel is not set up, since [mesh] tunnel is false", wire.AnnotationTunnelCommands)
	}
}

func (t *translation) mesh(script string, spec *corev1.PodSpec) {
	if spec.HostNetwork {
		t.problem("the pod uses its node's own network, which a mesh must not change: annotation %s: disabled runs it without", wire.AnnotationMeshNetwork)
		return
	}
	part := mesh.Setup(script, t.pod, t.networkSecret(), t.options.Mesh)
	t.join(&part, spec, t.options.Mesh.InitContainer)
}

// networkSecret is the name of the Secret with the network's files; the slash
// keeps it apart from every real one.
func (t *translation) networkSecret() string { return t.name("mesh/setup") }

// join puts a part of the network into the pod. A native sidecar comes before
// the pod's own init containers, so that these have the network too.
func (t *translation) join(part *mesh.Part, spec *corev1.PodSpec, sidecar bool) {
	name := part.Container.Name
	if hasContainer(spec, name) {
		t.problem("a container of the pod is called %s, as the one that sets its network up", name)
		return
	}
	for _, volume := range part.Volumes {
		if slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == volume.Name }) {
			t.problem("a volume of the pod is called %s, as one that its network needs", volume.Name)
			return
		}
	}
	source := metav1.ObjectMeta{Name: name, Namespace: t.pod.Namespace, UID: t.pod.UID}
	secret := &corev1.Secret{
		ObjectMeta: t.options.Scope.Meta(source, t.networkSecret(), t.uid),
		Data:       map[string][]byte{},
		Type:       corev1.SecretTypeOpaque,
	}
	for i := range part.Volumes {
		volume := &part.Volumes[i]
		if volume.Secret == nil {
			continue
		}
		for path, content := range part.Files {
			key := fileKey(path)
			secret.Data[key] = content
			volume.Secret.Items = append(volume.Secret.Items, corev1.KeyToPath{Key: key, Path: path})
		}
		slices.SortFunc(volume.Secret.Items, func(a, b corev1.KeyToPath) int { return strings.Compare(a.Path, b.Path) })
	}
	t.projected = append(t.projected, secret)
	spec.Volumes = append(spec.Volumes, part.Volumes...)
	if sidecar {
		spec.InitContainers = slices.Insert(spec.InitContainers, 0, part.Container)
	} else {
		spec.Containers = append(spec.Containers, part.Container)
	}
}
