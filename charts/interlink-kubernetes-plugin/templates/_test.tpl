{{/* The labels of the test pod. They are not those of the plugin's pods: the Service must not select the test pod. */}}
{{- define "interlink-plugin.testSelectorLabels" -}}
app.kubernetes.io/name: {{ printf "%s-test" (include "interlink-plugin.name" . | trunc 58 | trimSuffix "-") }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Why there is no test pod; empty if there is one. */}}
{{- define "interlink-plugin.noTest" -}}
{{- if not .Values.test.enabled -}}
test.enabled is false
{{- else if and .Values.interlink.enabled .Values.interlink.tls.clientAuth (not .Values.test.tlsSecret) -}}
test.tlsSecret has no client certificate
{{- end -}}
{{- end -}}

{{/* The Secret with ca.crt for the connection to InterLink; empty without TLS. */}}
{{- define "interlink-plugin.testTLSSecret" -}}
{{- if and .Values.interlink.enabled .Values.interlink.tls.existingSecret -}}
{{- .Values.test.tlsSecret | default .Values.interlink.tls.existingSecret -}}
{{- end -}}
{{- end -}}
