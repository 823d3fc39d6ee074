// Package podspec is the one copy, within the simulator, of the rules of
// Kubernetes that follow from one manifest alone: the values of downward-API fields
// and resources, $(NAME) in commands and variables, restart policies, the API
// server's defaults, and the stringData of a Secret.
//
// It uses no other package of the project. The plugin must not use it: the
// simulator would not find a bug in code that it shares with the plugin.
package podspec
