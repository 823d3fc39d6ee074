package mesh

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// TunnelContainer is the name of the container that keeps a tunnel open.
const TunnelContainer = "wstunnel-client"

// tunnelUser is the user ID of a tunnel. The user with this ID owns no files.
const tunnelUser = 65534

// NewTunnelSidecar returns the native sidecar that runs wstunnel with the arguments of a
// local pod ([TunnelArguments]). secret is the name of the Secret that will hold the
// sidecar's files.
func NewTunnelSidecar(arguments []string, pod *corev1.Pod, secret string, o Options) Sidecar {
	sidecar := newTunnelSidecar(pod, secret, o)
	sidecar.Files["tunnel.sh"] = ownScript("wstunnel.sh")
	sidecar.addValues(map[string]string{"arguments": strings.Join(arguments, "\n"), "url-wstunnel": o.WstunnelURL})
	if o.Install == "" {
		security := sidecar.Container.SecurityContext
		security.RunAsUser, security.RunAsGroup, security.RunAsNonRoot = ptr.To[int64](tunnelUser), ptr.To[int64](tunnelUser), ptr.To(true)
		security.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	return sidecar
}

// NewTunnelSidecarOfPod is like NewTunnelSidecar, for commands that the pod brings: they
// download a program and start it in the background (docs/contract.md, NET-2).
func NewTunnelSidecarOfPod(commands string, pod *corev1.Pod, secret string, o Options) Sidecar {
	sidecar := newTunnelSidecar(pod, secret, o)
	sidecar.Files["tunnel.sh"] = append([]byte(commands+"\n"), file("tunnel-end.sh")...)
	return sidecar
}

// newTunnelSidecar returns the container that runs tunnel.sh, which the caller adds.
func newTunnelSidecar(pod *corev1.Pod, secret string, o Options) Sidecar {
	sidecar := newSidecar(TunnelContainer, pod, secret, o)
	c := &sidecar.Container
	c.Command = append(c.Command, "/bin/sh", filesPath+"/tunnel.sh")
	// The commands unpack an archive. As root, GNU tar would set the owner of
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
