package policy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	standard "k8s.io/pod-security-admission/policy"
)

// A field is a place in a pod that a check looks at.
type field struct {
	path, must string
	// alone is a pod that has this field, and no other that the check could forbid.
	alone *corev1.Pod
}

// fieldsOf returns, for each check, the fields of a pod that it looks at.
var fieldsOf = map[standard.CheckID]func(*corev1.Pod) []field{
	"allowPrivilegeEscalation": func(pod *corev1.Pod) []field {
		return inContainers(pod, "securityContext.allowPrivilegeEscalation", "must be false", func(from, to *corev1.SecurityContext) {
			to.AllowPrivilegeEscalation = from.AllowPrivilegeEscalation
		})
	},
	"appArmorProfile": appArmorProfile,
	"capabilities_baseline": func(pod *corev1.Pod) []field {
		return addedCapabilities(pod, nil)
	},
	"capabilities_restricted": func(pod *corev1.Pod) []field {
		all := []corev1.Capability{"ALL"}
		drop := inContainers(pod, "securityContext.capabilities.drop", "must contain ALL", func(from, to *corev1.SecurityContext) {
			if from.Capabilities != nil {
				to.Capabilities = &corev1.Capabilities{Drop: from.Capabilities.Drop}
			}
		})
		return append(drop, addedCapabilities(pod, all)...)
	},
	"hostNamespaces": func(pod *corev1.Pod) []field {
		const must = "must not be true"
		return []field{
			{"spec.hostNetwork", must, podOf(corev1.PodSpec{HostNetwork: pod.Spec.HostNetwork})},
			{"spec.hostPID", must, podOf(corev1.PodSpec{HostPID: pod.Spec.HostPID})},
			{"spec.hostIPC", must, podOf(corev1.PodSpec{HostIPC: pod.Spec.HostIPC})},
		}
	},
	"hostPathVolumes":            volumes,
	"hostPorts":                  hostPorts,
	"hostProbesAndHostLifecycle": probeHosts,
	"privileged": func(pod *corev1.Pod) []field {
		return inContainers(pod, "securityContext.privileged", "must not be true", func(from, to *corev1.SecurityContext) {
			to.Privileged = from.Privileged
		})
	},
	"procMount":            procMount,
	"procMount_restricted": procMount,
	"restrictedVolumes":    volumes,
	"runAsNonRoot": func(pod *corev1.Pod) []field {
		return inherited(pod, "securityContext.runAsNonRoot", "must be true",
			func(from, to *corev1.PodSecurityContext) bool {
				to.RunAsNonRoot = from.RunAsNonRoot
				return to.RunAsNonRoot != nil
			},
			func(from, to *corev1.SecurityContext) bool {
				to.RunAsNonRoot = from.RunAsNonRoot
				return to.RunAsNonRoot != nil
			})
	},
	"runAsUser": func(pod *corev1.Pod) []field {
		return inPodAndContainers(pod, "securityContext.runAsUser", "must not be 0",
			func(from, to *corev1.PodSecurityContext) { to.RunAsUser = from.RunAsUser },
			func(from, to *corev1.SecurityContext) { to.RunAsUser = from.RunAsUser })
	},
	"seLinuxOptions":            seLinuxOptions,
	"seccompProfile_baseline":   seccompProfile,
	"seccompProfile_restricted": seccompProfile,
	"sysctls": func(pod *corev1.Pod) []field {
		var fields []field
		if pod.Spec.SecurityContext != nil {
			for _, sysctl := range pod.Spec.SecurityContext.Sysctls {
				alone := podOf(corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{sysctl}}})
				fields = append(fields, field{"spec.securityContext.sysctls[" + short(sysctl.Name) + "]", "is not permitted", alone})
			}
		}
		return fields
	},
	"windowsHostProcess": func(pod *corev1.Pod) []field {
		return inPodAndContainers(pod, "securityContext.windowsOptions.hostProcess", "must not be true",
			func(from, to *corev1.PodSecurityContext) { to.WindowsOptions = from.WindowsOptions },
			func(from, to *corev1.SecurityContext) { to.WindowsOptions = from.WindowsOptions })
	},
}

// addedCapabilities returns a field for each capability that a container adds. drop is what
// the containers must drop, so that a check looks at nothing else.
func addedCapabilities(pod *corev1.Pod, drop []corev1.Capability) []field {
	var fields []field
	each(pod, func(path string, c *corev1.Container) {
		if c.SecurityContext == nil || c.SecurityContext.Capabilities == nil {
			return
		}
		for _, name := range c.SecurityContext.Capabilities.Add {
			alone := corev1.Container{Name: c.Name, SecurityContext: &corev1.SecurityContext{
				Capabilities: &corev1.Capabilities{Add: []corev1.Capability{name}, Drop: drop},
			}}
			fields = append(fields, field{path + ".securityContext.capabilities.add", "must not contain " + short(string(name)), containerAlone(pod, alone)})
		}
	})
	return fields
}

func appArmorProfile(pod *corev1.Pod) []field {
	const must = "must be RuntimeDefault or Localhost"
	fields := inPodAndContainers(pod, "securityContext.appArmorProfile.type", must,
		func(from, to *corev1.PodSecurityContext) { to.AppArmorProfile = from.AppArmorProfile },
		func(from, to *corev1.SecurityContext) { to.AppArmorProfile = from.AppArmorProfile })
	for _, name := range slices.Sorted(maps.Keys(pod.Annotations)) {
		if strings.HasPrefix(name, corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix) {
			alone := podOf(corev1.PodSpec{})
			alone.Annotations = map[string]string{name: pod.Annotations[name]}
			fields = append(fields, field{"metadata.annotations[" + name + "]", "must be runtime/default or localhost/...", alone})
		}
	}
	return fields
}

func seccompProfile(pod *corev1.Pod) []field {
	return inherited(pod, "securityContext.seccompProfile.type", "must be RuntimeDefault or Localhost",
		func(from, to *corev1.PodSecurityContext) bool {
			to.SeccompProfile = from.SeccompProfile
			return to.SeccompProfile != nil
		},
		func(from, to *corev1.SecurityContext) bool {
			to.SeccompProfile = from.SeccompProfile
			return to.SeccompProfile != nil
		})
}

func procMount(pod *corev1.Pod) []field {
	return inContainers(pod, "securityContext.procMount", "must be Default", func(from, to *corev1.SecurityContext) {
		to.ProcMount = from.ProcMount
	})
}

func seLinuxOptions(pod *corev1.Pod) []field {
	var fields []field
	for _, part := range []struct {
		name, must string
		of         func(*corev1.SELinuxOptions) *corev1.SELinuxOptions
	}{
		{"type", "must be one for containers, such as container_t", func(o *corev1.SELinuxOptions) *corev1.SELinuxOptions { return &corev1.SELinuxOptions{Type: o.Type} }},
		{"user", "must not be set", func(o *corev1.SELinuxOptions) *corev1.SELinuxOptions { return &corev1.SELinuxOptions{User: o.User} }},
		{"role", "must not be set", func(o *corev1.SELinuxOptions) *corev1.SELinuxOptions { return &corev1.SELinuxOptions{Role: o.Role} }},
	} {
		fields = append(fields, inPodAndContainers(pod, "securityContext.seLinuxOptions."+part.name, part.must,
			func(from, to *corev1.PodSecurityContext) {
				if from.SELinuxOptions != nil {
					to.SELinuxOptions = part.of(from.SELinuxOptions)
				}
			},
			func(from, to *corev1.SecurityContext) {
				if from.SELinuxOptions != nil {
					to.SELinuxOptions = part.of(from.SELinuxOptions)
				}
			})...)
	}
	return fields
}

func volumes(pod *corev1.Pod) []field {
	var fields []field
	for _, volume := range pod.Spec.Volumes {
		path := "spec.volumes[" + volume.Name + "]"
		source := reflect.ValueOf(volume.VolumeSource)
		for i := range source.NumField() {
			if !source.Field(i).IsNil() {
				name, _, _ := strings.Cut(source.Type().Field(i).Tag.Get("json"), ",")
				path += "." + name
				break
			}
		}
		fields = append(fields, field{path, "is not permitted", podOf(corev1.PodSpec{Volumes: []corev1.Volume{volume}})})
	}
	return fields
}

func hostPorts(pod *corev1.Pod) []field {
	var fields []field
	each(pod, func(path string, c *corev1.Container) {
		for _, port := range c.Ports {
			alone := corev1.Container{Name: c.Name, Ports: []corev1.ContainerPort{port}}
			fields = append(fields, field{fmt.Sprintf("%s.ports[%d].hostPort", path, port.ContainerPort), "must not be set", containerAlone(pod, alone)})
		}
	})
	return fields
}

// probeHosts returns the fields that let the kubelet send requests to another host.
func probeHosts(pod *corev1.Pod) []field {
	var fields []field
	each(pod, func(path string, c *corev1.Container) {
		add := func(name string, http *corev1.HTTPGetAction, tcp *corev1.TCPSocketAction) {
			for _, part := range []struct {
				name    string
				handler corev1.ProbeHandler
			}{{"httpGet", corev1.ProbeHandler{HTTPGet: http}}, {"tcpSocket", corev1.ProbeHandler{TCPSocket: tcp}}} {
				alone := corev1.Container{Name: c.Name, LivenessProbe: &corev1.Probe{ProbeHandler: part.handler}}
				fields = append(fields, field{path + "." + name + "." + part.name + ".host", "must not be set", containerAlone(pod, alone)})
			}
		}
		for name, probe := range map[string]*corev1.Probe{"livenessProbe": c.LivenessProbe, "readinessProbe": c.ReadinessProbe, "startupProbe": c.StartupProbe} {
			if probe != nil {
				add(name, probe.HTTPGet, probe.TCPSocket)
			}
		}
		if c.Lifecycle != nil {
			for name, handler := range map[string]*corev1.LifecycleHandler{"postStart": c.Lifecycle.PostStart, "preStop": c.Lifecycle.PreStop} {
				if handler != nil {
					add("lifecycle."+name, handler.HTTPGet, handler.TCPSocket)
				}
			}
		}
	})
	slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(a.path, b.path) })
	return fields
}
