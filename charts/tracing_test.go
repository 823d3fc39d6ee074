package charts

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// The plugin reads what the chart sets: by default there are no traces.
func TestTracing(t *testing.T) {
	const remote = "remote: {existingSecret: remote-cluster}\n"
	for _, test := range []struct{ values, secret, want string }{
		{"", "", "off"},
		{"tracing: {protocol: grpc, ratio: 0.5, headersSecret: s}", "", "off"},
		{"tracing: {endpoint: 'http://c:4318'}", "", "http/protobuf to http://c:4318/v1/traces, sampler parentbased_always_on"},
		{"tracing: {endpoint: 'https://c/x', ratio: 0}", "", "http/protobuf to https://c/x/v1/traces, sampler parentbased_traceidratio 0"},
		{"tracing: {endpoint: 'http://c:4317', protocol: grpc, ratio: 0.00001, headersSecret: s, headersKey: k}", "s/k", "grpc to http://c:4317, sampler parentbased_traceidratio 1e-05"},
	} {
		var environ []string
		secret := ""
		for _, object := range decode(t, manifest(mustRender(t, parseValues(t, remote+test.values)))) {
			deployment, ok := object.(*appsv1.Deployment)
			if !ok {
				continue
			}
			for _, variable := range deployment.Spec.Template.Spec.Containers[0].Env {
				if from := variable.ValueFrom; from != nil && strings.HasSuffix(variable.Name, "_HEADERS") {
					secret = from.SecretKeyRef.Name + "/" + from.SecretKeyRef.Key
					variable.Value = "authorization=Bearer%20t"
				}
				environ = append(environ, variable.Name+"="+variable.Value)
			}
		}
		settings, err := tracing.Read(environ)
		if err != nil || settings.String() != test.want || secret != test.secret {
			t.Errorf("%s: got %s, Secret %q (%v), want %s, Secret %q", test.values, settings, secret, err, test.want, test.secret)
		}
	}
}
