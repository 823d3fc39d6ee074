package server

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// problems collects what is wrong with a request, so that all of it is told at once.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

func (p *problems) err() error {
	if len(*p) == 0 {
		return nil
	}
	return errdefs.New(errdefs.Invalid, "%s", strings.Join(*p, "; "))
}

func (p *problems) present(where, value string) {
	if value == "" {
		p.add("%s is missing", where)
	}
}

// name checks a pod's name, namespace a namespace's: what no API server would
// have let through comes from people with curl.
func (p *problems) name(where, value string) {
	p.present(where, value)
	if value != "" && len(validation.IsDNS1123Subdomain(value)) > 0 {
		p.add("%s is no name of a pod: an RFC 1123 subdomain is wanted", where)
	}
}

func (p *problems) namespace(where, value string) {
	p.present(where, value)
	if value != "" && len(validation.IsDNS1123Label(value)) > 0 {
		p.add("%s is no name of a namespace: an RFC 1123 label is wanted", where)
	}
}

// uidForm is looser than a UUID, since static pods have other UIDs, and tight
// enough to stand in a label and in a name as it is.
var uidForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

func (p *problems) uid(where, value string) {
	switch {
	case value == "":
		p.present(where, value)
	case len(value) > 63 || !uidForm.MatchString(value):
		p.add("%s is not a UID: at most 63 lower-case letters, digits and inner dashes are wanted", where)
	}
}

func (p *problems) notNegative(where string, value int64) {
	if value < 0 {
		p.add("%s is negative", where)
	}
}

// pod checks what identifies a pod. All else is for the remote API server to judge.
func (p *problems) pod(prefix string, pod *corev1.Pod) {
	p.name(prefix+"metadata.name", pod.Name)
	p.namespace(prefix+"metadata.namespace", pod.Namespace)
	p.uid(prefix+"metadata.uid", string(pod.UID))
}

func (p *problems) podAt(index int, pod *corev1.Pod) {
	p.pod(fmt.Sprintf("[%d].", index), pod)
}
