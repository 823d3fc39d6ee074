{{/* The options of the plugin, as YAML: those that the chart sets, overridden by config. */}}
{{- define "interlink-plugin.options" -}}
{{- $app := dict "instance" (include "interlink-plugin.instance" .) "admin_address" (printf ":%d" (int .Values.admin.port)) "shutdown_grace" 30 -}}
{{- if .Values.interlink.enabled -}}
{{- $_ := set $app "socket_address" "unix:///var/run/interlink/plugin.sock" -}}
{{- else -}}
{{- $_ := set $app "socket_address" "http://0.0.0.0" -}}
{{- end -}}
{{- if .Values.admin.page.existingSecret -}}
{{- $_ := set $app "admin_token_file" "/etc/interlink/admin/token" -}}
{{- end -}}
{{- if and .Values.rbac.create (not (dig "offloading" "namespace" "" .Values.config)) -}}
{{- $_ := set $app "lease_namespace" (include "interlink-plugin.leaseNamespace" .) -}}
{{- end -}}
{{- $k8s := dict -}}
{{- if include "interlink-plugin.remoteSecret" . -}}
{{- $_ := set $k8s "kubeconfig_path" (printf "/etc/interlink/remote/%s" (ternary .Values.remote.key "kubeconfig" (not (empty .Values.remote.existingSecret)))) -}}
{{- end -}}
{{- $offloading := dict -}}
{{- if .Values.namespaceTemplate -}}
{{- $_ := set $offloading "namespace_template" "/etc/interlink/namespaces/template.yaml" -}}
{{- end -}}
{{- $options := mustMergeOverwrite (dict "app" $app "k8s" $k8s "offloading" $offloading) (deepCopy .Values.config) -}}
{{- if not $options.offloading -}}
{{- $_ := unset $options "offloading" -}}
{{- end -}}
{{- if and .Values.interlink.enabled (not (regexMatch "^(unix:///var/run/interlink/|http://127\\.0\\.0\\.1(:|/?$))" $options.app.socket_address)) -}}
{{- fail "config.app.socket_address: InterLink in the same pod can connect only to unix:///var/run/interlink/<name> or http://127.0.0.1" -}}
{{- end -}}
{{- if and (hasPrefix "http://" $options.app.socket_address) (not (hasKey $options.app "socket_port")) (not (regexMatch ":[0-9]+/?$" $options.app.socket_address)) -}}
{{- $_ := set $options.app "socket_port" 4000 -}}
{{- end -}}
{{- $admin := toString (int .Values.admin.port) -}}
{{- if or (and .Values.interlink.enabled (eq $admin (toString (int .Values.interlink.port)))) (and (hasPrefix "http://" $options.app.socket_address) (or (hasSuffix (printf ":%s" $admin) (trimSuffix "/" $options.app.socket_address)) (eq $admin (toString (int ($options.app.socket_port | default 0)))))) -}}
{{- fail (printf "admin.port: %s is already the port of the API" $admin) -}}
{{- end -}}
{{- toYaml $options -}}
{{- end -}}

{{/* The instance: it stays the same over time and is unique in the cluster. A label value has at most 63 characters. */}}
{{- define "interlink-plugin.instance" -}}
{{- $name := printf "%s.%s" .Release.Namespace .Release.Name -}}
{{- if gt (len $name) 63 -}}
{{- printf "%s-%s" (trunc 54 $name) (sha256sum $name | trunc 8) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end -}}

{{/* The port that the plugin listens on; empty for a unix socket. */}}
{{- define "interlink-plugin.port" -}}
{{- $app := (include "interlink-plugin.options" . | fromYaml).app -}}
{{- if hasPrefix "http://" $app.socket_address -}}
{{- regexFind "[0-9]+/?$" (regexFind ":[0-9]+/?$" $app.socket_address) | trimSuffix "/" | default (toString (int $app.socket_port)) -}}
{{- end -}}
{{- end -}}

{{/* The target port of the Service: InterLink's or the plugin's; empty if there is no Service. */}}
{{- define "interlink-plugin.apiPort" -}}
{{- if .Values.interlink.enabled -}}
{{- int .Values.interlink.port -}}
{{- else -}}
{{- include "interlink-plugin.port" . -}}
{{- end -}}
{{- end -}}

{{/* config.ini. Lists and objects are written as JSON, and a percent sign as %%, as in Python. */}}
{{- define "interlink-plugin.ini" -}}
{{- $lines := list -}}
{{- range $section, $keys := include "interlink-plugin.options" . | fromYaml -}}
{{- $lines = append $lines (printf "[%s]" $section) -}}
{{- range $key, $value := $keys -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $text := ternary $value (mustToRawJson $value) (kindIs "string" $value) | toString | replace "%" "%%" -}}
{{- $lines = append $lines (printf "%s=%s" $key $text) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- join "\n" $lines -}}
{{- end -}}

{{/* The options that a running plugin does not take over, as YAML. */}}
{{- define "interlink-plugin.restartOptions" -}}
{{- $options := include "interlink-plugin.options" . | fromYaml -}}
{{- range $section, $keys := .Files.Get "reloaded-options.yaml" | fromYaml -}}
{{- $others := omit (get $options $section | default dict) "" -}}
{{- range $keys -}}
{{- $others = omit $others . -}}
{{- end -}}
{{- $_ := set $options $section $others -}}
{{- end -}}
{{- toYaml $options -}}
{{- end -}}

{{/* InterLinkConfig.yaml. */}}
{{- define "interlink-plugin.interlinkConfig" -}}
{{- $app := (include "interlink-plugin.options" . | fromYaml).app -}}
{{- $tls := .Values.interlink.tls -}}
InterlinkAddress: {{ ternary "https" "http" (not (empty $tls.existingSecret)) }}://0.0.0.0
InterlinkPort: {{ int .Values.interlink.port | quote }}
{{- if hasPrefix "unix://" $app.socket_address }}
SidecarURL: {{ $app.socket_address | quote }}
SidecarPort: "0"
{{- else }}
SidecarURL: http://127.0.0.1
SidecarPort: {{ include "interlink-plugin.port" . | quote }}
{{- end }}
DataRootFolder: /tmp/interlink
VerboseLogging: {{ .Values.interlink.logging.verbose }}
ErrorsOnlyLogging: {{ .Values.interlink.logging.errorsOnly }}
{{- if $tls.existingSecret }}
TLS:
  Enabled: true
  CertFile: /etc/interlink/tls/tls.crt
  KeyFile: /etc/interlink/tls/tls.key
  {{- if $tls.clientAuth }}
  CACertFile: /etc/interlink/tls/ca.crt
  {{- end }}
{{- end }}
{{- end -}}

{{/* The time for preStop, for the requests in flight, 12 s for the rollback of requests that are canceled, and
     8 s in reserve, in which the ledger of used resources is stored (5 s at most). */}}
{{- define "interlink-plugin.terminationGracePeriodSeconds" -}}
{{- $app := (include "interlink-plugin.options" . | fromYaml).app -}}
{{- add (int .Values.preStopSeconds) (int $app.shutdown_grace) 20 -}}
{{- end -}}
