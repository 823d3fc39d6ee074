package main

// Manifests of TestRun.
const (
	planWithInvalid  = "{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {}}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i}]}}\n"
	workflow         = "{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {name: hello}, spec: {templates: [{name: a, container: {image: i}}]}}\n"
	planWithWorkflow = workflow + "---\n{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i}]}}\n"
)
