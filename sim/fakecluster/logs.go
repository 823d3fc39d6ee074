package fakecluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// roundTripper is a function that answers a request without a network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// GetLogs asks [Options.Logs]; the fake's own answers "fake logs".
func (p pods) GetLogs(name string, options *corev1.PodLogOptions) *rest.Request {
	if options == nil {
		options = &corev1.PodLogOptions{}
	}
	answer := roundTripper(func(request *http.Request) (*http.Response, error) {
		body, err := p.logs(request, name, options.DeepCopy())
		if err != nil {
			return refusal(err), nil
		}
		return response(http.StatusOK, body), nil
	})
	content := rest.ClientContentConfig{
		ContentType: runtime.ContentTypeJSON, GroupVersion: corev1.SchemeGroupVersion,
		Negotiator: runtime.NewClientNegotiator(scheme.Codecs.WithoutConversion(), corev1.SchemeGroupVersion),
	}
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/log", p.namespace, name)
	base := &url.URL{Scheme: "https", Host: "memory"}
	return rest.NewRequestWithClient(base, path, content, &http.Client{Transport: answer}).Verb(http.MethodGet)
}

func (p pods) logs(request *http.Request, name string, options *corev1.PodLogOptions) (io.ReadCloser, error) {
	p.cluster.mu.RLock()
	o, err := p.cluster.find(corev1.SchemeGroupVersion.WithResource("pods"), p.namespace, name)
	p.cluster.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	pod := o.DeepCopyObject().(*corev1.Pod)
	if options.Container, err = containerOf(pod, options.Container); err != nil {
		return nil, err
	}
	if pod.Spec.NodeName == "" || p.cluster.options.Logs == nil {
		return http.NoBody, nil
	}
	return p.cluster.options.Logs(request.Context(), pod, options)
}

// containerOf is the container that is meant, in the API server's judgement and words.
func containerOf(pod *corev1.Pod, name string) (string, error) {
	var all []string
	for _, c := range pod.Spec.Containers {
		all = append(all, c.Name)
	}
	if name == "" && len(all) == 1 {
		return all[0], nil
	}
	if name == "" {
		text := fmt.Sprintf("a container name must be specified for pod %s, choose one of: [%s]", pod.Name, strings.Join(all, " "))
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

func response(code int, body io.ReadCloser) *http.Response {
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: body, ContentLength: -1,
	}
}

// refusal is an error as an API server answers it.
func refusal(err error) *http.Response {
	known := apierrors.NewBadRequest(err.Error())
	_ = errors.As(err, &known)
	status := known.Status()
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	text, _ := json.Marshal(status) // strings and numbers cannot fail
	return response(int(status.Code), io.NopCloser(bytes.NewReader(text)))
}

// newDiscovery is a real discovery client of an API server that says its version
// and nothing else; the fake's has no REST client.
func newDiscovery(name string) discovery.DiscoveryInterfaces {
	answer := roundTripper(func(request *http.Request) (*http.Response, error) {
		if request.URL.Path != "/version" {
			return refusal(apierrors.NewGenericServerResponse(http.StatusNotFound, "get", corev1.Resource(""), "", request.URL.Path, 0, false)), nil
		}
		number := strings.Split(strings.TrimPrefix(name, "v")+"..", ".")
		text, _ := json.Marshal(version.Info{ // strings cannot fail
			Major: number[0], Minor: number[1], GitVersion: name, Platform: "simulated/memory",
		})
		return response(http.StatusOK, io.NopCloser(bytes.NewReader(text))), nil
	})
	return discovery.NewDiscoveryClientForConfigOrDie(&rest.Config{Host: "http://memory", Transport: answer})
}
