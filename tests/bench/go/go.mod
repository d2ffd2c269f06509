module github.com/sentryagent/idp-sdk-go/bench

go 1.23

require (
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/sentryagent/idp-sdk-go v0.0.0
)

require github.com/ebitengine/purego v0.10.1 // indirect

replace github.com/sentryagent/idp-sdk-go => ../../../bindings/go
