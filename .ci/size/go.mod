module github.com/interlink-hq/interlink-kubernetes-plugin/ci/size

go 1.26.0
