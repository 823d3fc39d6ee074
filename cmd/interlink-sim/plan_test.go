package main

// Manifests of TestRun.
const (
	workflow         = "{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {name: hello}, spec: {templates: [{name: a, container: {image: i}}]}}\n"
	planWithWorkflow = workflow + "---\n{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i}]}}\n"
)
