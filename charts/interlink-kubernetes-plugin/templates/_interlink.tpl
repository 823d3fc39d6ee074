{{/* The InterLink API server. As a native sidecar it ends after the plugin: it ends at once after SIGTERM, and it
     must still forward the responses to the plugin's last requests to the virtual kubelet. */}}
{{- define "interlink-plugin.interlinkContainer" -}}
{{- $tls := .Values.interlink.tls -}}
- name: interlink
  restartPolicy: Always
  image: {{ include "interlink-plugin.image" (list .Values.interlink.image "") | quote }}
  imagePullPolicy: {{ .Values.interlink.image.pullPolicy }}
  securityContext:
    {{- toYaml .Values.securityContext | nindent 4 }}
  env:
    - name: INTERLINKCONFIGPATH
      value: /etc/interlink/config/InterLinkConfig.yaml
    {{- with .Values.interlink.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - name: api
      containerPort: {{ .Values.interlink.port }}
      protocol: TCP
  {{- if $tls.clientAuth }}
  # The kubelet has no client certificate.
  readinessProbe:
    tcpSocket:
      port: api
  {{- else }}
  # /pinglink calls the plugin, so ready means that the plugin responds too.
  readinessProbe:
    httpGet:
      path: /pinglink
      port: api
      scheme: {{ ternary "HTTPS" "HTTP" (not (empty $tls.existingSecret)) }}
    timeoutSeconds: 5
  {{- end }}
  livenessProbe:
    tcpSocket:
      port: api
    failureThreshold: 6
  resources:
    {{- toYaml .Values.interlink.resources | nindent 4 }}
  volumeMounts:
    - name: config
      mountPath: /etc/interlink/config
      readOnly: true
    - name: socket
      mountPath: /var/run/interlink
    - name: tmp
      mountPath: /tmp
    {{- if $tls.existingSecret }}
    - name: tls
      mountPath: /etc/interlink/tls
      readOnly: true
    {{- end }}
    {{- with .Values.interlink.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
