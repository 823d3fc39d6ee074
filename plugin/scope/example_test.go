package scope_test

import (
	"fmt"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
)

func ExampleScope_Name() {
	s := scope.Scope{Prefix: "offloading"}
	uid := "6f0c7d52-5b0e-4c53-9d0a-3f6b1f0a7a11"
	fmt.Println(s.RemoteNamespace("demo"))
	fmt.Println(s.Name("hello", uid))
	fmt.Println(s.Name("a-name-that-is-too-long-to-stay-whole", uid))
	// Output:
	// offloading-demo
	// hello-6f0c7d52-5b0e-4c53-9d0a-3f6b1f0a7a11
	// a-name-that-i-p7g6qaeaqjhm-6f0c7d52-5b0e-4c53-9d0a-3f6b1f0a7a11
}
