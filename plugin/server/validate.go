package server

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// problems collects what is wrong with a request, so that one error reports
// everything.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

func (p *problems) err() error {
	if len(*p) == 0 {
		return nil
	}
	return errdefs.New(errdefs.Invalid, "%s", strings.Join(*p, "; "))
}

func (p *problems) required(field, value string) {
	if value == "" {
		p.add("%s is missing", field)
	}
}

// name checks the name of a pod. InterLink sends names that an API server accepted;
// only people with curl send others (docs/contract.md, HTTP-9).
func (p *problems) name(field, value string) {
	p.required(field, value)
	if value != "" && len(validation.IsDNS1123Subdomain(value)) > 0 {
		p.add("%s is not the name of a pod; it must be an RFC 1123 subdomain", field)
	}
}

// namespace checks the name of a namespace.
func (p *problems) namespace(field, value string) {
	p.required(field, value)
	if value != "" && len(validation.IsDNS1123Label(value)) > 0 {
		p.add("%s is not the name of a namespace; it must be an RFC 1123 label", field)
	}
}

// uidPattern accepts more than UUIDs, because static pods have other UIDs. Every UID
// that it accepts is also a valid label value and part of a name.
var uidPattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

func (p *problems) uid(field, value string) {
	switch {
	case value == "":
		p.required(field, value)
	case len(value) > 63 || !uidPattern.MatchString(value):
		p.add("%s is not a UID; it must be at most 63 lower-case letters, digits and dashes, and begin and end with a letter or digit", field)
	}
}

func (p *problems) notNegative(field string, value int64) {
	if value < 0 {
		p.add("%s is negative", field)
	}
}

// pod checks what identifies a pod. The remote API server checks everything else.
func (p *problems) pod(prefix string, pod *corev1.Pod) {
	p.name(prefix+"metadata.name", pod.Name)
	p.namespace(prefix+"metadata.namespace", pod.Namespace)
	p.uid(prefix+"metadata.uid", string(pod.UID))
}

func (p *problems) podAt(index int, pod *corev1.Pod) {
	p.pod(fmt.Sprintf("[%d].", index), pod)
}
