package mesh

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// ClientContainer is the name of the container that holds a tunnel open.
const ClientContainer = "wstunnel-client"

// Client returns the native sidecar that runs the tunnel commands of a local pod.
// The commands are InterLink's, or its administrator's: they fetch a program and
// start it in the background. secret is the name of the Secret that will hold the
// part's files.
func Client(commands string, pod *corev1.Pod, secret string, o Options) Part {
	part := newPart(ClientContainer, pod, secret, o)
	part.Files["tunnel.sh"] = append([]byte(commands+"\n"), file("tunnel-end.sh")...)
	c := &part.Container
	c.Command = append(c.Command, "/bin/sh", filesPath+"/tunnel.sh")
	// InterLink's own command unpacks an archive, of which GNU's tar as root would give
	// the files to their owner: it has no right to here, and fails.
	c.Env = append(c.Env, variable("TAR_OPTIONS", "--no-same-owner"))
	c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	c.SecurityContext = &corev1.SecurityContext{Privileged: ptr.To(false), AllowPrivilegeEscalation: ptr.To(false)}
	if o.Install == "" {
		c.SecurityContext.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	} else {
		// Packages are installed by root, whatever the pod's own user is.
		c.SecurityContext.RunAsUser, c.SecurityContext.RunAsNonRoot = ptr.To[int64](0), ptr.To(false)
	}
	return part
}
