# The built-in policy: who may take which route.
#
# input  {"method": "GET", "path": "/api/v1/agents/:id", "scopes": ["agents:read"]}
# data   scopes: what `data/scopes.json` says, {"GET:/api/v1/agents/:id": ["agents:read"], ...}
#
# A caller needs every scope of the route. A route that stands nowhere is denied.
package authz

default allow := false

allow if {
	needed := data.scopes[concat(":", [input.method, input.path])]
	every scope in needed {
		scope in input.scopes
	}
}
