package fakecluster

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// GetLogs reads the log from [Options.Logs]. The fake clientset always returns the
// text "fake logs".
func (p podClient) GetLogs(name string, options *corev1.PodLogOptions) *rest.Request {
	if options == nil {
		options = &corev1.PodLogOptions{}
	}
	transport := roundTripper(func(request *http.Request) (*http.Response, error) {
		body, err := p.logs(request, name, options.DeepCopy())
		if err != nil {
			return errorResponse(err), nil
		}
		return newResponse(http.StatusOK, body), nil
	})
	content := rest.ClientContentConfig{
		ContentType: runtime.ContentTypeJSON, GroupVersion: corev1.SchemeGroupVersion,
		Negotiator: runtime.NewClientNegotiator(scheme.Codecs.WithoutConversion(), corev1.SchemeGroupVersion),
	}
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/log", p.namespace, name)
	base := &url.URL{Scheme: "https", Host: fakeHost}
	return rest.NewRequestWithClient(base, path, content, &http.Client{Transport: transport}).Verb(http.MethodGet)
}

func (p podClient) logs(request *http.Request, name string, options *corev1.PodLogOptions) (io.ReadCloser, error) {
	p.cluster.mu.RLock()
	o, err := p.cluster.find(corev1.SchemeGroupVersion.WithResource("pods"), p.namespace, name)
	p.cluster.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	pod := o.DeepCopyObject().(*corev1.Pod)
	if options.Container, err = logContainer(pod, options.Container); err != nil {
		return nil, err
	}
	if pod.Spec.NodeName == "" || p.cluster.options.Logs == nil {
		return http.NoBody, nil
	}
	return p.cluster.options.Logs(request.Context(), pod, options)
}

// logContainer returns the container whose log is requested, by the API server's
// rules: the name is optional if the pod has only one container. The errors have the
// API server's texts.
func logContainer(pod *corev1.Pod, name string) (string, error) {
	var names []string
	for _, c := range pod.Spec.Containers {
		names = append(names, c.Name)
	}
	if name == "" && len(names) == 1 {
		return names[0], nil
	}
	if name == "" {
		text := fmt.Sprintf("a container name must be specified for pod %s, choose one of: [%s]", pod.Name, strings.Join(names, " "))
		if len(pod.Spec.InitContainers) > 0 {
			var inits []string
			for _, c := range pod.Spec.InitContainers {
				inits = append(inits, c.Name)
			}
			text += fmt.Sprintf(" or one of the init containers: [%s]", strings.Join(inits, " "))
		}
		return "", apierrors.NewBadRequest(text)
	}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for _, c := range containers {
			if c.Name == name {
				return name, nil
			}
		}
	}
	return "", apierrors.NewBadRequest(fmt.Sprintf("container %s is not valid for pod %s", name, pod.Name))
}
