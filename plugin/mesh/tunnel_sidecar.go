package mesh

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// TunnelContainer is the name of the container that keeps a tunnel open.
const TunnelContainer = "wstunnel-client"

// NewTunnelSidecar returns the native sidecar that runs the tunnel commands of a local
// pod. InterLink or its administrator writes the commands: they download a program and
// start it in the background (docs/contract.md, NET-2). secret is the name of the
// Secret that will hold the sidecar's files.
func NewTunnelSidecar(commands string, pod *corev1.Pod, secret string, o Options) Sidecar {
	sidecar := newSidecar(TunnelContainer, pod, secret, o)
	sidecar.Files["tunnel.sh"] = append([]byte(commands+"\n"), file("tunnel-end.sh")...)
	c := &sidecar.Container
	c.Command = append(c.Command, "/bin/sh", filesPath+"/tunnel.sh")
	// InterLink's command unpacks an archive. As root, GNU tar would set the owner of
	// the files, for which this container lacks the right, and fail.
	c.Env = append(c.Env, variable("TAR_OPTIONS", "--no-same-owner"))
	c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	c.SecurityContext = &corev1.SecurityContext{Privileged: ptr.To(false), AllowPrivilegeEscalation: ptr.To(false)}
	if o.Install == "" {
		c.SecurityContext.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	} else {
		// Only root can install packages, whatever the pod's own user is.
		c.SecurityContext.RunAsUser, c.SecurityContext.RunAsNonRoot = ptr.To[int64](0), ptr.To(false)
	}
	return sidecar
}
