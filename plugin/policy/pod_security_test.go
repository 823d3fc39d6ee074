package policy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	standard "k8s.io/pod-security-admission/policy"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/policy"
)

const (
	baseline   = config.PodSecurityBaseline
	restricted = config.PodSecurityRestricted
	privileged = config.PodSecurityPrivileged
)

// restrictedPod returns a pod that meets the restricted standard, with a container of each
// kind that a remote pod can have.
func restrictedPod() *corev1.Pod {
	secure := func() *corev1.SecurityContext {
		return &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr.To(false),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "offloading-demo", Name: "pod", Annotations: map[string]string{}},
		Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot:   ptr.To(true),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			InitContainers: []corev1.Container{{Name: "init", SecurityContext: secure()}},
			Containers:     []corev1.Container{{Name: "main", SecurityContext: secure()}, {Name: "mesh-setup", SecurityContext: secure()}},
		},
	}
}

// A violation is a change of restrictedPod that a standard forbids.
type violation struct {
	// field is the field and its problem, as the text of the error names them.
	field string
	// restricted is true if only the restricted standard forbids it.
	restricted bool
	apply      func(*corev1.Pod)
}

func main(pod *corev1.Pod) *corev1.Container  { return &pod.Spec.Containers[0] }
func mesh(pod *corev1.Pod) *corev1.Container  { return &pod.Spec.Containers[1] }
func first(pod *corev1.Pod) *corev1.Container { return &pod.Spec.InitContainers[0] }

func httpTo(host string) corev1.ProbeHandler {
	return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: host, Port: intstr.FromInt32(80)}}
}

// violations are all that the standards forbid. No two change the same field.
var violations = []violation{
	{"spec.hostNetwork must not be true", false, func(p *corev1.Pod) { p.Spec.HostNetwork = true }},
	{"spec.hostPID must not be true", false, func(p *corev1.Pod) { p.Spec.HostPID = true }},
	{"spec.hostIPC must not be true", false, func(p *corev1.Pod) { p.Spec.HostIPC = true }},
	{"spec.containers[main].securityContext.privileged must not be true", false, func(p *corev1.Pod) { main(p).SecurityContext.Privileged = ptr.To(true) }},
	{"spec.containers[mesh-setup].securityContext.capabilities.add must not contain NET_ADMIN", false, func(p *corev1.Pod) {
		mesh(p).SecurityContext.Capabilities.Add = []corev1.Capability{"NET_ADMIN"}
	}},
	{"spec.containers[main].securityContext.capabilities.add must not contain CHOWN", true, func(p *corev1.Pod) {
		main(p).SecurityContext.Capabilities.Add = []corev1.Capability{"NET_BIND_SERVICE", "CHOWN"}
	}},
	{"spec.initContainers[init].securityContext.capabilities.drop must contain ALL", true, func(p *corev1.Pod) {
		first(p).SecurityContext.Capabilities = nil
	}},
	{"spec.initContainers[init].securityContext.allowPrivilegeEscalation must be false", true, func(p *corev1.Pod) {
		first(p).SecurityContext.AllowPrivilegeEscalation = nil
	}},
	{"spec.containers[mesh-setup].ports[8080].hostPort must not be set", false, func(p *corev1.Pod) {
		mesh(p).Ports = []corev1.ContainerPort{{ContainerPort: 80}, {ContainerPort: 8080, HostPort: 80}}
	}},
	{"spec.volumes[host].hostPath is not permitted", false, func(p *corev1.Pod) {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}})
	}},
	{"spec.volumes[share].nfs is not permitted", true, func(p *corev1.Pod) {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "share", VolumeSource: corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{}}})
	}},
	{"spec.containers[main].livenessProbe.httpGet.host must not be set", false, func(p *corev1.Pod) {
		main(p).LivenessProbe = &corev1.Probe{ProbeHandler: httpTo("169.254.169.254")}
	}},
	{"spec.containers[main].startupProbe.tcpSocket.host must not be set", false, func(p *corev1.Pod) {
		main(p).StartupProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "10.0.0.1"}}}
	}},
	{"spec.containers[mesh-setup].lifecycle.preStop.httpGet.host must not be set", false, func(p *corev1.Pod) {
		handler := corev1.LifecycleHandler(corev1.LifecycleHandler{HTTPGet: httpTo("10.0.0.1").HTTPGet})
		mesh(p).Lifecycle = &corev1.Lifecycle{PreStop: &handler, PostStart: &corev1.LifecycleHandler{HTTPGet: httpTo("").HTTPGet}}
	}},
	{"spec.containers[main].securityContext.procMount must be Default", false, func(p *corev1.Pod) {
		main(p).SecurityContext.ProcMount = ptr.To(corev1.UnmaskedProcMount)
	}},
	{"spec.securityContext.appArmorProfile.type must be RuntimeDefault or Localhost", false, func(p *corev1.Pod) {
		p.Spec.SecurityContext.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
	}},
	{"metadata.annotations[container.apparmor.security.beta.kubernetes.io/main] must be runtime/default or localhost/...", false, func(p *corev1.Pod) {
		p.Annotations["container.apparmor.security.beta.kubernetes.io/main"] = "unconfined"
		p.Annotations["container.apparmor.security.beta.kubernetes.io/init"] = "runtime/default"
	}},
	{"spec.securityContext.seLinuxOptions.type must be one for containers, such as container_t", false, func(p *corev1.Pod) {
		p.Spec.SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t", Level: "s0"}
	}},
	{"spec.containers[main].securityContext.seLinuxOptions.role must not be set", false, func(p *corev1.Pod) {
		main(p).SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{Role: "system_r"}
	}},
	{"spec.initContainers[init].securityContext.seLinuxOptions.user must not be set", false, func(p *corev1.Pod) {
		first(p).SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{User: "system_u"}
	}},
	{"spec.containers[main].securityContext.seccompProfile.type must be RuntimeDefault or Localhost", false, func(p *corev1.Pod) {
		main(p).SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
	}},
	{"spec.securityContext.sysctls[kernel.msgmax] is not permitted", false, func(p *corev1.Pod) {
		p.Spec.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "kernel.shm_rmid_forced", Value: "1"}, {Name: "kernel.msgmax", Value: "1"}}
	}},
	{"spec.securityContext.windowsOptions.hostProcess must not be true", false, func(p *corev1.Pod) {
		p.Spec.SecurityContext.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: ptr.To(true)}
	}},
	{"spec.containers[main].securityContext.runAsNonRoot must be true", true, func(p *corev1.Pod) {
		main(p).SecurityContext.RunAsNonRoot = ptr.To(false)
	}},
	{"spec.securityContext.runAsUser must not be 0", true, func(p *corev1.Pod) { p.Spec.SecurityContext.RunAsUser = ptr.To[int64](0) }},
}

// judge returns the text of the refusal of a pod, or "".
func judge(t *testing.T, pod *corev1.Pod, level config.PodSecurity) string {
	t.Helper()
	err := policy.Judge(pod, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "demo"}}, policy.Options{PodSecurity: level})
	if err == nil {
		return ""
	}
	if !errdefs.Is(err, errdefs.Refused) {
		t.Errorf("%v is of kind %s", err, errdefs.KindOf(err))
	}
	return err.Error()
}

func TestEachViolationIsNamed(t *testing.T) {
	for _, v := range violations {
		t.Run(v.field, func(t *testing.T) {
			pod := restrictedPod()
			v.apply(pod)
			before := pod.DeepCopy()
			want := "the remote site accepts only pods that meet the Pod Security Standard restricted: " + v.field
			if got := judge(t, pod, restricted); got != want {
				t.Errorf("restricted: got %q, want %q", got, want)
			}
			want = ""
			if !v.restricted {
				want = "the remote site accepts only pods that meet the Pod Security Standard baseline: " + v.field
			}
			if got := judge(t, pod, baseline); got != want {
				t.Errorf("baseline: got %q, want %q", got, want)
			}
			if got := judge(t, pod, ""); got != want {
				t.Errorf("no level: got %q, want %q", got, want)
			}
			if got := judge(t, pod, privileged); got != "" {
				t.Errorf("privileged: got %q", got)
			}
			if before.String() != pod.String() {
				t.Error("the pod was changed")
			}
		})
	}
	for _, level := range []config.PodSecurity{baseline, restricted, privileged, ""} {
		if got := judge(t, restrictedPod(), level); got != "" {
			t.Errorf("%s refuses a pod that meets the restricted standard: %s", level, got)
		}
	}
}

// The pod of a user who has not heard of the restricted standard.
func TestPlainPod(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a"}, {Name: "b"}}}}
	if got := judge(t, pod, baseline); got != "" {
		t.Errorf("baseline: %s", got)
	}
	want := "the remote site accepts only pods that meet the Pod Security Standard restricted: " +
		"spec.containers[a].securityContext.allowPrivilegeEscalation, spec.containers[b].securityContext.allowPrivilegeEscalation must be false; " +
		"spec.containers[a].securityContext.capabilities.drop, spec.containers[b].securityContext.capabilities.drop must contain ALL; " +
		"spec.containers[a].securityContext.runAsNonRoot, spec.containers[b].securityContext.runAsNonRoot must be true; " +
		"spec.containers[a].securityContext.seccompProfile.type, spec.containers[b].securityContext.seccompProfile.type must be RuntimeDefault or Localhost"
	if got := judge(t, pod, restricted); got != want {
		t.Errorf("restricted:\n got %s\nwant %s", got, want)
	}
}

// Of a pod with thousands of violations, the text names ten fields for each of ten problems.
func TestManyViolations(t *testing.T) {
	pod := &corev1.Pod{}
	for i := range 2000 {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: fmt.Sprint("c", i),
			SecurityContext: &corev1.SecurityContext{
				Privileged:   ptr.To(true),
				Capabilities: &corev1.Capabilities{Add: []corev1.Capability{corev1.Capability(fmt.Sprint("CAP_", i))}},
			},
		})
	}
	got := judge(t, pod, baseline)
	if !strings.HasPrefix(got, "the remote site accepts only pods that meet the Pod Security Standard baseline: "+
		"spec.containers[c0].securityContext.capabilities.add must not contain CAP_0; ") || !strings.HasSuffix(got, " must not contain CAP_9; and 1991 more") {
		t.Errorf("many problems: got %q", got)
	}
	for i := range pod.Spec.Containers {
		pod.Spec.Containers[i].SecurityContext.Capabilities = nil
	}
	want := "the remote site accepts only pods that meet the Pod Security Standard baseline: "
	for i := range 10 {
		want += fmt.Sprintf("spec.containers[c%d].securityContext.privileged, ", i)
	}
	if got := judge(t, pod, baseline); got != want+"and 1990 more must not be true" {
		t.Errorf("many fields: got %q, want %q", got, want+"and 1990 more must not be true")
	}
}

// A container that inherits a wrong value is not named: the field of the pod is.
func TestInheritedValues(t *testing.T) {
	pod := restrictedPod()
	pod.Spec.SecurityContext.RunAsNonRoot = ptr.To(false)
	pod.Spec.SecurityContext.SeccompProfile.Type = corev1.SeccompProfileTypeUnconfined
	main(pod).SecurityContext.RunAsNonRoot = ptr.To(true)
	want := "the remote site accepts only pods that meet the Pod Security Standard restricted: " +
		"spec.securityContext.runAsNonRoot must be true; spec.securityContext.seccompProfile.type must be RuntimeDefault or Localhost"
	if got := judge(t, pod, restricted); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// Pods with random violations are refused exactly if the library's own evaluator, which the
// API server uses, forbids them; the text then names each violation, and nothing else.
func TestJudgeAgreesWithTheAPIServer(t *testing.T) {
	evaluator, err := standard.NewEvaluator(standard.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(16, 1))
	for n := range 5000 {
		pod := restrictedPod()
		var want []violation
		for _, v := range violations {
			if random.IntN(len(violations)) < 2 {
				v.apply(pod)
				want = append(want, v)
			}
		}
		switch random.IntN(6) {
		case 0: // would permit more
			pod.Spec.HostUsers = ptr.To(false)
		case 1:
			pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
		}
		for _, level := range []config.PodSecurity{baseline, restricted} {
			judged := pod.Spec // a user namespace excuses nothing, since a site may not have them
			judged.HostUsers = nil
			results := evaluator.EvaluatePod(api.LevelVersion{Level: api.Level(level), Version: api.LatestVersion()}, &pod.ObjectMeta, &judged)
			forbidden := slices.ContainsFunc(results, func(r standard.CheckResult) bool { return !r.Allowed })
			got := judge(t, pod, level)
			if (got != "") != forbidden {
				t.Fatalf("pod %d, %s: got %q, the library says %+v", n, level, got, results)
			}
			if pod.Spec.HostUsers != nil || pod.Spec.OS != nil {
				continue
			}
			for _, v := range want {
				path, _, _ := strings.Cut(v.field, " ")
				if named := strings.Contains(got, path); named != (level == restricted || !v.restricted) {
					t.Errorf("pod %d, %s: %q is named: %v, in %q", n, level, v.field, named, got)
				}
			}
			for _, v := range violations {
				if path, _, _ := strings.Cut(v.field, " "); strings.Contains(got, path) && !slices.ContainsFunc(want, func(w violation) bool { return w.field == v.field }) {
					t.Errorf("pod %d, %s: %q is named, and not wrong, in %q", n, level, v.field, got)
				}
			}
		}
	}
}

// What a user wrote is shortened: the text is shown in the status of the local pod.
func TestLongNamesAreShortened(t *testing.T) {
	pod := restrictedPod()
	main(pod).SecurityContext.Capabilities.Add = []corev1.Capability{corev1.Capability(strings.Repeat("é", 100_000))}
	if got := judge(t, pod, baseline); len(got) > 500 || !strings.HasSuffix(got, "must not contain "+strings.Repeat("é", 63)+"...") {
		t.Errorf("%d bytes: %.300s", len(got), got)
	}
}
