package interruptions

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// neverStarted is the beginning of the names of pods that the kubelet never starts.
const neverStarted = "pending-"

// shapes are the pods of the tests: each ties its objects to the pod in another way.
var shapes = []func(*wire.CreateRequest){plain, volumes, variables, projected}

// request returns a create request for a new pod of the n-th shape.
func request(n int) wire.CreateRequest { return named(fmt.Sprintf("pod-%d", n), n) }

func named(name string, n int) wire.CreateRequest {
	r := wire.CreateRequest{Pod: corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: local, UID: uuid.NewUUID(), Annotations: map[string]string{}},
		Spec:       corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
	}}
	shapes[n%len(shapes)](&r)
	return r
}

// requests returns requests for new pods of all shapes.
func requests(count int) []wire.CreateRequest {
	all := make([]wire.CreateRequest, count)
	for n := range all {
		all[n] = request(n)
	}
	return all
}

// plain is a pod without other objects.
func plain(*wire.CreateRequest) {}

// volumes is a pod that mounts a ConfigMap, a Secret and a claim, which is deleted with the pod.
func volumes(r *wire.CreateRequest) {
	configMap, secret := carried(r)
	spec := &r.Pod.Spec
	spec.Volumes = append(spec.Volumes,
		corev1.Volume{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: configMap}}}},
		corev1.Volume{Name: "secret", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret}}})
	spec.InitContainers = []corev1.Container{{Name: "init", Image: "busybox", VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/config"}}}}
	spec.Containers[0].VolumeMounts = append(spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "secret", MountPath: "/secret"})
	claim(r, claimOf(*r), "delete")
}

// variables is a pod whose variables need a ConfigMap and a Secret, with a claim that is retained. The kubelet does not
// wait for them as it does for volumes.
func variables(r *wire.CreateRequest) {
	configMap, secret := carried(r)
	main := &r.Pod.Spec.Containers[0]
	main.Env = []corev1.EnvVar{{Name: "KEY", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: configMap}, Key: "key"}}}}
	main.EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: secret}}}}
	claim(r, claimOf(*r), "retain")
}

// projected is a pod with a projected volume with a token, and a ConfigMap in an ordinary one.
func projected(r *wire.CreateRequest) {
	configMap, _ := carried(r)
	r.Containers[0].Secrets = nil
	r.Containers[0].ProjectedVolumeMaps = []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "token"}, Data: map[string]string{"token": "a.b.c"}}}
	spec := &r.Pod.Spec
	spec.Volumes = []corev1.Volume{
		{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}}}}},
		{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: configMap}}}}}
	spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "token", MountPath: "/token"}, {Name: "config", MountPath: "/config"}}
}

// carried adds a ConfigMap and a Secret that InterLink sends with the pod, and returns their local names.
func carried(r *wire.CreateRequest) (configMap, secret string) {
	r.Containers = []wire.ContainerVolumes{{
		Name:       "main",
		ConfigMaps: []corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: local}, Data: map[string]string{"key": "value"}}},
		Secrets:    []corev1.Secret{{ObjectMeta: metav1.ObjectMeta{Name: "keys", Namespace: local}, Data: map[string][]byte{"KEY": []byte("value")}}},
	}}
	return "app", "keys"
}

// claim adds a claim.
func claim(r *wire.CreateRequest, name, retention string) {
	r.Pod.Annotations[wire.AnnotationRemotePVC] = name
	r.Pod.Annotations[wire.AnnotationClaimPrefix+name] = `{"storage":"1Gi","retentionPolicy":"` + retention + `"}`
	r.Pod.Spec.Volumes = append(r.Pod.Spec.Volumes, corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}})
	main := &r.Pod.Spec.Containers[0]
	main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: "data", MountPath: "/data"})
}

// claimOf returns the name of a claim of the pod alone.
func claimOf(r wire.CreateRequest) string { return "data-" + string(r.Pod.UID) }

// dependents returns the number of remote objects that the pod of a request needs, without its claim.
func dependents(r wire.CreateRequest) int {
	count := 0
	for _, c := range r.Containers {
		count += len(c.ConfigMaps) + len(c.Secrets) + len(c.ProjectedVolumeMaps)
	}
	return count
}

// retainedClaims returns the number of claims of the pods that are to be retained.
func retainedClaims(requests []wire.CreateRequest) int {
	count := 0
	for _, r := range requests {
		if len(r.Pod.Spec.Containers[0].EnvFrom) > 0 { // the shape "variables"
			count++
		}
	}
	return count
}

// withJobID returns the local pod as InterLink sends it after a create was answered.
func withJobID(r wire.CreateRequest, jid string) corev1.Pod {
	pod := *r.Pod.DeepCopy()
	if jid != "" {
		pod.Annotations[wire.AnnotationJobID] = jid
	}
	return pod
}
