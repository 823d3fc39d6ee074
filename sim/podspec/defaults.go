package podspec

import (
	"cmp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// fileMode is the mode of files in volumes.
const fileMode int32 = 0o644

// SetDefaults sets the fields of a new pod that an API server sets where a
// manifest does not. It sets nothing that admission or a controller sets.
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
func SetDefaults(spec *corev1.PodSpec) {
	setDefault(&spec.RestartPolicy, corev1.RestartPolicyAlways)
	setDefault(&spec.DNSPolicy, corev1.DNSClusterFirst)
	setDefault(&spec.SchedulerName, corev1.DefaultSchedulerName)
	setPointer(&spec.TerminationGracePeriodSeconds, int64(corev1.DefaultTerminationGracePeriodSeconds))
	setPointer(&spec.SecurityContext, corev1.PodSecurityContext{})
	setPointer(&spec.EnableServiceLinks, corev1.DefaultEnableServiceLinks)
	for i := range spec.Volumes {
		setVolumeDefaults(&spec.Volumes[i].VolumeSource)
	}
	for c := range containers(spec) {
		setContainerDefaults(c)
	}
}

func setContainerDefaults(c *corev1.Container) {
	setDefault(&c.TerminationMessagePath, corev1.TerminationMessagePathDefault)
	setDefault(&c.TerminationMessagePolicy, corev1.TerminationMessageReadFile)
	setDefault(&c.ImagePullPolicy, pullPolicy(c.Image))
	for i := range c.Ports {
		setDefault(&c.Ports[i].Protocol, corev1.ProtocolTCP)
	}
	for name, limit := range c.Resources.Limits {
		if _, ok := c.Resources.Requests[name]; !ok {
			if c.Resources.Requests == nil {
				c.Resources.Requests = corev1.ResourceList{}
			}
			c.Resources.Requests[name] = limit
		}
	}
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil {
			setFieldDefaults(from.FieldRef)
		}
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		setProbeDefaults(probe)
	}
	if c.Lifecycle != nil {
		for _, handler := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if handler != nil {
				setHTTPDefaults(handler.HTTPGet)
			}
		}
	}
}

// pullPolicy is Always for an image that may change under its name: :latest, or
// no tag.
func pullPolicy(image string) corev1.PullPolicy {
	_, tag, tagged := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	if strings.Contains(image, "@") || tagged && tag != "latest" {
		return corev1.PullIfNotPresent
	}
	return corev1.PullAlways
}

func setProbeDefaults(p *corev1.Probe) {
	if p == nil {
		return
	}
	setDefault(&p.TimeoutSeconds, 1)
	setDefault(&p.PeriodSeconds, 10)
	setDefault(&p.SuccessThreshold, 1)
	setDefault(&p.FailureThreshold, 3)
	setHTTPDefaults(p.HTTPGet)
	if p.GRPC != nil {
		setPointer(&p.GRPC.Service, "")
	}
}

func setHTTPDefaults(get *corev1.HTTPGetAction) {
	if get == nil {
		return
	}
	setDefault(&get.Path, "/")
	setDefault(&get.Scheme, corev1.URISchemeHTTP)
}

func setFieldDefaults(field *corev1.ObjectFieldSelector) {
	if field != nil {
		setDefault(&field.APIVersion, "v1")
	}
}

func setVolumeDefaults(v *corev1.VolumeSource) {
	switch {
	case *v == (corev1.VolumeSource{}):
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
	case v.ConfigMap != nil:
		setPointer(&v.ConfigMap.DefaultMode, fileMode)
	case v.Secret != nil:
		setPointer(&v.Secret.DefaultMode, fileMode)
	case v.HostPath != nil:
		setPointer(&v.HostPath.Type, corev1.HostPathUnset)
	case v.DownwardAPI != nil:
		setPointer(&v.DownwardAPI.DefaultMode, fileMode)
		setItemDefaults(v.DownwardAPI.Items)
	case v.Projected != nil:
		setPointer(&v.Projected.DefaultMode, fileMode)
		for _, source := range v.Projected.Sources {
			if source.DownwardAPI != nil {
				setItemDefaults(source.DownwardAPI.Items)
			}
			if source.ServiceAccountToken != nil {
				setPointer(&source.ServiceAccountToken.ExpirationSeconds, 3600)
			}
		}
	}
}

func setItemDefaults(items []corev1.DownwardAPIVolumeFile) {
	for i := range items {
		setFieldDefaults(items[i].FieldRef)
	}
}

// setDefault sets a field that has its zero value.
func setDefault[T comparable](field *T, value T) { *field = cmp.Or(*field, value) }

// setPointer sets a pointer that is nil.
func setPointer[T any](field **T, value T) {
	if *field == nil {
		*field = ptr.To(value)
	}
}
