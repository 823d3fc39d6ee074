package mesh

import (
	"embed"
	"fmt"
	"math"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// Container is the name of the container that sets up the mesh.
	Container = "mesh-setup"
	// ExitStartFailed is the exit code of the container if the mesh failed to start.
	// The mesh does not start in a later run either.
	ExitStartFailed = 97
	// ReadyFile is the file that the script creates when the network is ready.
	ReadyFile = scratchPath + "/mesh-ready"

	scratchVolume = "interlink-scratch"
	scratchPath   = "/tmp/interlink"
	filesVolume   = "interlink-mesh"
	filesPath     = "/etc/interlink/mesh"
	podVolume     = "interlink-pod"
	podPath       = "/etc/interlink/pod"
	finishedFile  = "finished" // in podVolume
	tunVolume     = "interlink-tun"
	tunDevice     = "/dev/net/tun"
)

// Options are the options of section [mesh].
type Options = config.Mesh

// Sidecar is a container for the pod's network, with everything that it needs.
type Sidecar struct {
	Container corev1.Container
	Volumes   []corev1.Volume
	// Files holds the content of the container's files, by path relative to
	// their mount. They contain keys.
	Files map[string][]byte
}

//go:embed files
var files embed.FS

// file returns one of the embedded files. It panics if there is none of that name.
func file(name string) []byte {
	text, err := files.ReadFile("files/" + name)
	if err != nil {
		panic(err)
	}
	return text
}

// ownScript returns one of the embedded scripts. A line "# include NAME" of it is replaced by the
// functions of another one.
func ownScript(name string) []byte {
	const include = "# include download.sh\n"
	_, functions, _ := strings.Cut(string(file("download.sh")), "\n\n") // its comment stays behind
	return []byte(strings.Replace(string(file(name)), include, functions, 1))
}

// NewSidecar returns the container that sets up the mesh with the plugin's own script and
// the values of a local pod. secret is the name of the Secret that will hold the sidecar's
// files.
func NewSidecar(values Values, pod *corev1.Pod, secret string, o Options) Sidecar {
	sidecar := newMeshSidecar(ownScript("mesh.sh"), pod, secret, o)
	sidecar.addValues(map[string]string{
		"interface": values.Interface, "server": values.Ingress.URL(), "ingress": values.Ingress.Host, "password": values.Password,
		"endpoint": values.WireGuard.Endpoint.String(), "dns": values.DNS.String(), "mtu": strconv.Itoa(values.MTU),
		"routes": lines(values.Routes), "wg.conf": values.WireGuard.Config(),
		"url-wstunnel": o.WstunnelURL, "url-wireguard-go": o.WireguardGoURL, "url-wg": o.WgURL,
	})
	sidecar.grantNetAdmin(o)
	return sidecar
}

// NewSidecarOfPod is like NewSidecar, for a mesh script that the pod brings. This script
// can do whatever the container may do.
func NewSidecarOfPod(script string, pod *corev1.Pod, secret string, o Options) Sidecar {
	sidecar := newMeshSidecar([]byte(script), pod, secret, o)
	if o.SlurmSetupScript {
		sidecar.emulateSlurm(pod)
	}
	if o.Privileged {
		sidecar.Container.SecurityContext = &corev1.SecurityContext{RunAsUser: ptr.To[int64](0), RunAsNonRoot: ptr.To(false), Privileged: ptr.To(true)}
	} else {
		sidecar.grantNetAdmin(o)
	}
	return sidecar
}

// newMeshSidecar returns the container that runs a mesh script, without privileges.
func newMeshSidecar(script []byte, pod *corev1.Pod, secret string, o Options) Sidecar {
	sidecar := newSidecar(Container, pod, secret, o)
	c := &sidecar.Container
	sidecar.Files["mesh.sh"] = script
	seconds := int(math.Ceil(o.StartupTimeout.Seconds()))
	c.Env = append(c.Env, variable("MESH_STARTUP_TIMEOUT", strconv.Itoa(seconds)))
	c.Command = append(c.Command, filesPath+"/mesh.sh")
	if o.StartupProbe {
		// run.sh stops after the timeout and says why. The probe waits longer: it is
		// for the case that run.sh cannot do so.
		const extraSeconds = 15
		c.StartupProbe = &corev1.Probe{
			ProbeHandler:     corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"test", "-e", ReadyFile}}},
			PeriodSeconds:    1,
			TimeoutSeconds:   5,
			FailureThreshold: int32(min(seconds+extraSeconds, math.MaxInt32)),
		}
	}
	if o.InitContainer {
		c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	} else {
		sidecar.watchFinishedAnnotation()
	}
	return sidecar
}

// addValues gives the container's script its values, each in a file: a shell reads them,
// and never runs them.
func (s *Sidecar) addValues(values map[string]string) {
	for name, value := range values {
		s.Files["values/"+name] = []byte(strings.TrimSuffix(value, "\n") + "\n")
	}
	s.Container.Env = append(s.Container.Env, variable("MESH_VALUES", filesPath+"/values"))
}

// lines returns the texts of several values, one a line.
func lines[T fmt.Stringer](values []T) string {
	var b strings.Builder
	for _, value := range values {
		b.WriteString(value.String() + "\n")
	}
	return b.String()
}

// newSidecar returns a container that runs the command run.sh. The caller appends the
// arguments: the program that run.sh runs.
func newSidecar(name string, pod *corev1.Pod, secret string, o Options) Sidecar {
	sidecar := Sidecar{
		Container: corev1.Container{
			Name:       name,
			Image:      o.Image,
			Command:    []string{"/bin/sh", filesPath + "/run.sh"},
			WorkingDir: scratchPath,
			Resources:  *o.Resources.DeepCopy(),
			Env: []corev1.EnvVar{
				variable("TMPDIR", scratchPath),
				variable("POD_NAME", pod.Name),
				variable("POD_NAMESPACE", pod.Namespace),
				variable("POD_UID", string(pod.UID)),
			},
			// The last lines of the log say why the network failed.
			TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		},
		Files: map[string][]byte{"run.sh": file("run.sh")},
	}
	sidecar.mount(scratchVolume, scratchPath, false, corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})
	sidecar.mount(filesVolume, filesPath, true, corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
		SecretName: secret, DefaultMode: ptr.To[int32](0o555),
	}})
	if o.Install != "" {
		sidecar.Files["install.sh"] = []byte(o.Install + "\n")
	}
	return sidecar
}

// grantNetAdmin lets the container change the pod's network. It runs as root, whatever
// the pod's own user is.
func (s *Sidecar) grantNetAdmin(o Options) {
	security := &corev1.SecurityContext{RunAsUser: ptr.To[int64](0), RunAsNonRoot: ptr.To(false), AllowPrivilegeEscalation: ptr.To(false)}
	s.Container.SecurityContext = security
	// A DNS server needs NET_BIND_SERVICE and NET_RAW: it listens on a port below 1024,
	// and binds its requests to a device. Not every container runtime grants both by
	// default.
	security.Capabilities = &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW"}}
	if o.Install == "" {
		security.Capabilities.Drop = []corev1.Capability{"ALL"} // a package manager needs several of them
	}
	s.mount(tunVolume, tunDevice, false, corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{
		Path: tunDevice, Type: ptr.To(corev1.HostPathCharDev),
	}})
}

// watchFinishedAnnotation lets an ordinary container terminate after the pod's own
// containers: it watches an annotation of the pod, which the plugin sets then.
func (s *Sidecar) watchFinishedAnnotation() {
	s.Container.Env = append(s.Container.Env, variable("MESH_FINISHED_FILE", podPath+"/"+finishedFile))
	s.mount(podVolume, podPath, true, corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
		Items: []corev1.DownwardAPIVolumeFile{{
			Path:     finishedFile,
			FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.annotations['" + wire.AnnotationFinished + "']"},
		}},
	}})
}

func (s *Sidecar) mount(volume, path string, readOnly bool, source corev1.VolumeSource) {
	s.Volumes = append(s.Volumes, corev1.Volume{Name: volume, VolumeSource: source})
	s.Container.VolumeMounts = append(s.Container.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: path, ReadOnly: readOnly})
}

func variable(name, value string) corev1.EnvVar { return corev1.EnvVar{Name: name, Value: value} }
