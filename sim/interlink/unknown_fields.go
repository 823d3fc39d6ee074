package interlink

import corev1 "k8s.io/api/core/v1"

// dropUnknownFields drops the fields of a pod that are younger than the Kubernetes API in
// InterLink: the virtual kubelet reads and writes pods without them (docs/contract.md, CREATE-20
// and, for variables, ENV-13).
func dropUnknownFields(spec *corev1.PodSpec) {
	spec.HostnameOverride, spec.SchedulingGroup, spec.EvictionResponders = nil, nil, nil
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			c := &containers[i]
			c.RestartPolicyRules = nil
			for m := range c.VolumeMounts {
				c.VolumeMounts[m].BindMountOptions = nil
			}
			for _, variable := range c.Env {
				if variable.ValueFrom != nil {
					variable.ValueFrom.FileKeyRef = nil
				}
			}
		}
	}
}
