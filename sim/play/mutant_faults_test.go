package play

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The faults of the mutants. First the calls that they change.

// on changes the answers to the calls of one path.
func on(path string, answer answerFunc) answerFunc {
	return func(c *call) (int, []byte) {
		if c.path != path {
			return c.forward()
		}
		return answer(c)
	}
}

// fixed always gives the same answer, without the plugin.
func fixed(code int, text string) answerFunc {
	return func(*call) (int, []byte) { return code, []byte(text) }
}

// withCode replaces the code of the plugin's answer.
func withCode(code int) answerFunc {
	return func(c *call) (int, []byte) {
		_, text := c.forward()
		return code, text
	}
}

// before does something before the plugin handles a call about a pod.
func before(path string, do func(c *call, uid string)) answerFunc {
	return on(path, func(c *call) (int, []byte) {
		do(c, podOf(c).UID)
		return c.forward()
	})
}

// after does something after the plugin has handled a call about a pod.
func after(path string, do func(c *call, uid string)) answerFunc {
	return on(path, func(c *call) (int, []byte) {
		code, text := c.forward()
		do(c, podOf(c).UID)
		return code, text
	})
}

type podName struct{ Name, UID string }

// podOf returns the pod of a create, or of a delete.
func podOf(c *call) podName {
	var body struct {
		Metadata podName
		Pod      struct{ Metadata podName }
	}
	_ = json.Unmarshal(c.body, &body)
	if body.Pod.Metadata.UID != "" {
		return body.Pod.Metadata
	}
	return body.Metadata
}

// status changes the status of each pod.
func status(change func(*wire.PodStatus)) answerFunc {
	return on("/status", func(c *call) (int, []byte) {
		code, text := c.forward()
		var all []wire.PodStatus
		if json.Unmarshal(text, &all) != nil {
			return code, text
		}
		for i := range all {
			change(&all[i])
		}
		text, _ = json.Marshal(all)
		return code, text
	})
}

// statusOfContainers changes the status of each container.
func statusOfContainers(change func(*corev1.ContainerStatus)) answerFunc {
	return status(func(s *wire.PodStatus) {
		for _, list := range [][]corev1.ContainerStatus{s.InitContainers, s.Containers} {
			for i := range list {
				change(&list[i])
			}
		}
	})
}

// statusOfTerminated changes the status of each terminated container.
func statusOfTerminated(change func(*corev1.ContainerStatus)) answerFunc {
	return statusOfContainers(func(c *corev1.ContainerStatus) {
		if c.State.Terminated != nil {
			change(c)
		}
	})
}

// statusOfWaiting changes the status of each waiting container.
func statusOfWaiting(change func(*corev1.ContainerStatus)) answerFunc {
	return statusOfContainers(func(c *corev1.ContainerStatus) {
		if c.State.Waiting != nil {
			change(c)
		}
	})
}

// object is a JSON object.
type object = map[string]any

// createRequest changes the request of a create, and the pod in it.
func createRequest(change func(pod, request object)) answerFunc {
	return on("/create", func(c *call) (int, []byte) {
		var request object
		if err := json.Unmarshal(c.body, &request); err != nil {
			return http.StatusBadRequest, []byte(err.Error())
		}
		change(request["pod"].(object), request)
		body, _ := json.Marshal(request)
		return c.send(body)
	})
}

// createWithoutSpec removes a field of the pod's spec from a create.
func createWithoutSpec(field string) answerFunc {
	return createRequest(func(pod, _ object) { delete(pod["spec"].(object), field) })
}

// createContainers changes each container in a create.
func createContainers(change func(container object)) answerFunc {
	return createRequest(func(pod, _ object) {
		for _, list := range []string{"containers", "initContainers"} {
			items, _ := pod["spec"].(object)[list].([]any)
			for _, item := range items {
				change(item.(object))
			}
		}
	})
}

// tokenAsText hides from the plugin which file of a projected volume is a token.
func tokenAsText(pod, _ object) {
	volumes, _ := pod["spec"].(object)["volumes"].([]any)
	for _, volume := range volumes {
		projected, _ := volume.(object)["projected"].(object)
		sources, _ := projected["sources"].([]any)
		for _, source := range sources {
			if source := source.(object); source["serviceAccountToken"] != nil {
				delete(source, "serviceAccountToken")
				source["downwardAPI"] = object{}
			}
		}
	}
}

// createWithoutContainerField removes a field of each container from a create.
func createWithoutContainerField(field string) answerFunc {
	return createContainers(func(container object) { delete(container, field) })
}

// createWithoutAnnotation removes an annotation of the pod from a create.
func createWithoutAnnotation(name string) answerFunc {
	return createRequest(func(pod, _ object) {
		delete(pod["metadata"].(object)["annotations"].(object), name)
	})
}

// statusRequest changes each container in the requests for a status.
func statusRequest(change func(container object)) answerFunc {
	return on("/status", func(c *call) (int, []byte) {
		var pods []object
		_ = json.Unmarshal(c.body, &pods)
		for _, pod := range pods {
			containers, _ := pod["spec"].(object)["containers"].([]any)
			for _, container := range containers {
				change(container.(object))
			}
		}
		body, _ := json.Marshal(pods)
		return c.send(body)
	})
}

// logRequest changes the request for a log, and its options.
func logRequest(change func(request, options object)) answerFunc {
	return on("/getLogs", func(c *call) (int, []byte) {
		var request object
		_ = json.Unmarshal(c.body, &request)
		change(request, request["Opts"].(object))
		body, _ := json.Marshal(request)
		return c.send(body)
	})
}

// logWithoutOption removes an option from the request for a log.
func logWithoutOption(name string) answerFunc {
	return logRequest(func(_, options object) { delete(options, name) })
}

// Then what they change.

var background = context.Background()

func setRunning(c *corev1.ContainerStatus) {
	c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
}

func noContainers(s *wire.PodStatus) { s.Containers = []corev1.ContainerStatus{} }

func noContainersOnceTerminated(s *wire.PodStatus) {
	if len(s.Containers) > 0 && s.Containers[0].State.Terminated != nil {
		noContainers(s)
	}
}

func mainContainersWait(s *wire.PodStatus) {
	for i := range s.Containers {
		s.Containers[i].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}
	}
}

// meshContainer is the status of a container that only the plugin knows.
func meshContainer() corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: "mesh-setup", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}
}

func meshContainerFirst(s *wire.PodStatus) {
	s.Containers = slices.Insert(s.Containers, 0, meshContainer())
}

func meshContainerLast(s *wire.PodStatus) { s.Containers = append(s.Containers, meshContainer()) }

func meshInitContainer(s *wire.PodStatus) {
	s.InitContainers = slices.Insert(s.InitContainers, 0, meshContainer())
}

func currentStateIsLast(c *corev1.ContainerStatus) {
	if c.LastTerminationState.Terminated != nil {
		c.State = c.LastTerminationState
	}
}

func answerAsList(c *call) (int, []byte) {
	code, text := c.forward()
	return code, slices.Concat([]byte("["), text, []byte("]"))
}

func answerOtherUID(c *call) (int, []byte) {
	code, text := c.forward()
	return code, bytes.Replace(text, []byte(`"PodUID":"`), []byte(`"PodUID":"x`), 1)
}

// answerOtherJobID answers each create with another job ID.
func answerOtherJobID(c *call) (int, []byte) {
	code, text := c.forward()
	count, _ := c.seen.LoadOrStore("creates", new(atomic.Int64))
	id := fmt.Sprintf(`"PodJID":"%d-`, count.(*atomic.Int64).Add(1))
	return code, bytes.Replace(text, []byte(`"PodJID":"`), []byte(id), 1)
}

// acceptWithoutCreating answers a create as if it had succeeded.
func acceptWithoutCreating(c *call) (int, []byte) {
	return http.StatusOK, []byte(`{"PodUID":"` + podOf(c).UID + `","PodJID":"j"}`)
}
