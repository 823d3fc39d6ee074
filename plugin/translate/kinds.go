package translate

// WarningKind says, for metrics, which part of a pod a warning is about.
type WarningKind string

// The kinds of warnings.
const (
	WarnClaims         WarningKind = "claims"
	WarnMesh           WarningKind = "mesh"
	WarnMetadata       WarningKind = "metadata"
	WarnNames          WarningKind = "names"
	WarnPlacement      WarningKind = "placement" // where and as what the pod runs
	WarnPullSecrets    WarningKind = "image_pull_secrets"
	WarnResourceClaims WarningKind = "resource_claims"
	WarnTokens         WarningKind = "tokens"
	WarnVariables      WarningKind = "variables"
	WarnVolumes        WarningKind = "volumes"
	WarnOther          WarningKind = "other"
)

// WarningKinds are all kinds of warnings.
var WarningKinds = []WarningKind{
	WarnClaims, WarnMesh, WarnMetadata, WarnNames, WarnPlacement, WarnPullSecrets, WarnResourceClaims, WarnTokens, WarnVariables, WarnVolumes, WarnOther,
}

// The codes of the errors of [ToObjects] ([errdefs.Codes]): what is refused, or cannot be translated.
const (
	RefusedInvalid = "invalid"
	RefusedMesh    = "mesh"
	RefusedNames   = "names"
	RefusedVolumes = "volumes"
)

// Refusals are all these codes.
var Refusals = []string{RefusedInvalid, RefusedMesh, RefusedNames, RefusedVolumes}
