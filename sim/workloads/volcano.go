package workloads

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// volcanoJob is what the pods of a Volcano Job depend on. Volcano's Go package would bring the API
// server's own libraries with it.
// https://volcano.sh/en/docs/vcjob/
type volcanoJob struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		SchedulerName     string              `json:"schedulerName"`
		PriorityClassName string              `json:"priorityClassName"`
		Queue             string              `json:"queue"`
		Plugins           map[string][]string `json:"plugins"`
		Volumes           []struct {
			MountPath       string `json:"mountPath"`
			VolumeClaimName string `json:"volumeClaimName"`
		} `json:"volumes"`
		Tasks []volcanoTask `json:"tasks"`
	} `json:"spec"`
}

type volcanoTask struct {
	Name     string                 `json:"name"`
	Replicas *int                   `json:"replicas"`
	Template corev1.PodTemplateSpec `json:"template"`
}

func (t *volcanoTask) replicas() int { return ptr.Deref(t.Replicas, 1) }

func decodeVolcano(manifest Manifest) (*volcanoJob, error) {
	job, err := decodeKnown[volcanoJob](manifest.Fields) // only a part of the fields is known here
	if err != nil {
		return nil, err
	}
	job.Metadata.Namespace = manifest.Namespace()
	for i := range job.Spec.Tasks {
		if task := &job.Spec.Tasks[i]; task.Name == "" {
			task.Name = "default" + strconv.Itoa(i) // as Volcano's admission sets it
		}
	}
	return job, nil
}

// podsOfVolcanoJob returns the first pod of each task.
func podsOfVolcanoJob(manifest Manifest) ([]Pod, error) {
	job, err := decodeVolcano(manifest)
	if err != nil {
		return nil, err
	}
	var pods []Pod
	for i := range job.Spec.Tasks {
		pods = append(pods, job.podOf(&job.Spec.Tasks[i], textOf(manifest.Fields, "apiVersion")))
	}
	return pods, nil
}

func (j *volcanoJob) podOf(task *volcanoTask, apiVersion string) Pod {
	names := map[string]string{
		"volcano.sh/job-name": j.Metadata.Name, "volcano.sh/queue-name": cmp.Or(j.Spec.Queue, "default"),
		"volcano.sh/task-spec": task.Name, "volcano.sh/task-index": "0",
	}
	pod := podOf(&task.Template, j.podName(task, 0), ownedBy(apiVersion, "Job", j.Metadata.Name), names)
	pod.Labels["volcano.sh/job-namespace"] = j.Metadata.Namespace
	pod.Annotations = merged(pod.Annotations, merged(names, map[string]string{
		"scheduling.k8s.io/group-name": j.Metadata.Name + "-" + string(controllerOwner),
		"volcano.sh/template-uid":      j.Metadata.Name + "-" + task.Name,
		"volcano.sh/job-version":       "0", "volcano.sh/job-retry-count": "0",
	}))
	pod.Spec.SchedulerName = cmp.Or(pod.Spec.SchedulerName, j.Spec.SchedulerName, "volcano")
	pod.Spec.PriorityClassName = cmp.Or(pod.Spec.PriorityClassName, j.Spec.PriorityClassName)
	j.addClaims(&pod.Spec)
	for _, plugin := range slices.Sorted(maps.Keys(j.Spec.Plugins)) {
		switch plugin {
		case "env":
			addEnv(&pod.Spec, corev1.EnvVar{Name: "VK_TASK_INDEX", Value: "0"}, corev1.EnvVar{Name: "VC_TASK_INDEX", Value: "0"})
		case "svc":
			j.addNames(&pod, task)
		default:
			pod.NotRead = append(pod.NotRead, "what Volcano's plugin "+plugin+" adds")
		}
	}
	return pod
}

func (j *volcanoJob) podName(task *volcanoTask, index int) string {
	return fmt.Sprintf("%s-%s-%d", j.Metadata.Name, task.Name, index)
}

// addClaims adds the claims of the Job, which all containers mount. Init containers do not.
func (j *volcanoJob) addClaims(spec *corev1.PodSpec) {
	for i, volume := range j.Spec.Volumes {
		name := fmt.Sprintf("%s-%s%d", j.Metadata.Name, randomSuffix, i)
		claim := cmp.Or(volume.VolumeClaimName, j.Metadata.Name+"-pvc-"+randomSuffix)
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
		}})
		for c := range spec.Containers {
			spec.Containers[c].VolumeMounts = append(spec.Containers[c].VolumeMounts, corev1.VolumeMount{Name: name, MountPath: volume.MountPath})
		}
	}
}

// addNames adds what the plugin svc gives to each pod: a name, and the ConfigMap with the names of
// all pods.
func (j *volcanoJob) addNames(pod *Pod, task *volcanoTask) {
	if pod.Spec.Hostname == "" {
		pod.Spec.Hostname = pod.Name
		pod.Hostnames = Indexes{Prefix: j.Metadata.Name + "-" + task.Name, Counts: []int{task.replicas()}}
	}
	pod.Spec.Subdomain = cmp.Or(pod.Spec.Subdomain, j.Metadata.Name)
	for i := range j.Spec.Tasks {
		for _, key := range j.Spec.Tasks[i].hostKeys() {
			addEnv(&pod.Spec, corev1.EnvVar{Name: key, ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: j.hosts()}, Key: key,
			}}})
		}
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: j.hosts(), VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: j.hosts()}},
	}})
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			containers[i].VolumeMounts = append(containers[i].VolumeMounts, corev1.VolumeMount{Name: j.hosts(), MountPath: "/etc/volcano"})
		}
	}
}

// hosts is the name of the ConfigMap of the plugin svc.
func (j *volcanoJob) hosts() string { return j.Metadata.Name + "-svc" }

// hostKeys are the variables with the names, and the number, of the pods of a task.
func (t *volcanoTask) hostKeys() [2]string {
	name := strings.ToUpper(strings.ReplaceAll(t.Name, "-", "_"))
	return [2]string{"VC_" + name + "_HOSTS", "VC_" + name + "_NUM"}
}

func addEnv(spec *corev1.PodSpec, variables ...corev1.EnvVar) {
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			containers[i].Env = append(containers[i].Env, variables...)
		}
	}
}

// maxHosts limits the names in the ConfigMap of a Job: a manifest can ask for any number of pods.
const maxHosts = 1000

// Beside returns the ConfigMap and the Service that a controller creates beside the pods of a
// manifest; nil if it creates none. Only those of Volcano's plugin svc are known.
func Beside(manifest Manifest) (*corev1.ConfigMap, *corev1.Service, error) {
	if manifest.GroupKind() != volcanoKind {
		return nil, nil, nil
	}
	job, err := decodeVolcano(manifest)
	if err != nil {
		return nil, nil, fmt.Errorf("read Job %s: %w", manifest.Name(), err)
	}
	if _, has := job.Spec.Plugins["svc"]; !has {
		return nil, nil, nil
	}
	hosts := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: job.Metadata.Namespace, Name: job.hosts()}, Data: map[string]string{}}
	left := maxHosts
	for i := range job.Spec.Tasks {
		task := &job.Spec.Tasks[i]
		var names []string
		for index := range min(task.replicas(), left) {
			name := job.podName(task, index)
			names = append(names, cmp.Or(task.Template.Spec.Hostname, name)+"."+cmp.Or(task.Template.Spec.Subdomain, job.Metadata.Name))
		}
		left -= len(names)
		keys := task.hostKeys()
		hosts.Data[task.Name+".host"] = strings.Join(names, "\n")
		hosts.Data[keys[0]], hosts.Data[keys[1]] = strings.Join(names, ","), strconv.Itoa(task.replicas())
	}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: job.Metadata.Namespace, Name: job.Metadata.Name}}
	service.Spec.ClusterIP = corev1.ClusterIPNone
	service.Spec.Selector = map[string]string{"volcano.sh/job-name": job.Metadata.Name, "volcano.sh/job-namespace": job.Metadata.Namespace}
	return hosts, service, nil
}
