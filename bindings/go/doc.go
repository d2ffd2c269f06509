// Package agentidp is the Go SDK of SentryAgent AgentIdP, the identity provider for AI agents.
//
//	client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{
//		BaseURL: "https://idp.example.com", ClientID: id, ClientSecret: secret,
//	})
//	defer client.Close()
//	agent, err := client.Agents.GetAgent(ctx, agentID)
//
// Fields that are left out of the configuration come from the environment: AGENTIDP_BASE_URL,
// AGENTIDP_CLIENT_ID, AGENTIDP_CLIENT_SECRET, AGENTIDP_SCOPES, AGENTIDP_CA_BUNDLE.
//
// # Calls
//
// Every method takes a context first. Cancelling it ends the request on the wire; a deadline on it
// is the call's timeout, in place of the client's. A body or query whose fields are all optional is
// a pointer that may be nil. [CallOption] values change one call: [WithTimeout], [WithRetries],
// [WithConnectTimeout], [WithHeader], [WithIdempotencyKey], [WithRequestID], [WithResponse].
//
// Access tokens are fetched, cached and renewed behind the calls: any number of goroutines that need
// one cause one request. Failed calls are repeated where that is safe, within the call's time.
//
// # Errors
//
// Every error is an [*AgentIdPError], to be had with [errors.As]; [errors.Is] tells its kind:
//
//	agent, err := client.Agents.GetAgent(ctx, agentID)
//	var e *agentidp.AgentIdPError
//	switch {
//	case errors.Is(err, agentidp.ErrNotFound):
//	case errors.As(err, &e):
//		log.Printf("%s, request %s", e.Code, e.RequestID)
//	}
//
// # Values
//
// Enums are strings and open: a value that this version does not know is kept. Fields of an answer
// that it does not know are kept in the answer's Extra. Timestamps are [time.Time] in UTC. What is
// optional in a request's body is a pointer ([Ptr] makes one), so that false and absent differ.
// Values that hold secrets mask them when they are printed, logged or given to encoding/json, not when
// their fields are read; their WireJSON writes everything, and UnmarshalJSON reads it back.
//
// # Tokens, webhooks and the audit log
//
// [TokenVerifier] checks access tokens without a call; the package agentidphttp is its net/http
// middleware. [VerifyWebhook] and [VerifyAuditEvents] need no server at all.
//
// # Logs, traces and tests
//
// A client's Logger takes its log records, those of background work included, and its Traceparent hook
// or [WithTraceparent] passes a trace on. The package agentidptest starts a server for tests, with a
// [ManualClock].
//
// # The native library
//
// The SDK's core is a shared library that published versions of this module carry inside. It is
// extracted once into a private folder of the user's cache, compared at each load, and opened without
// cgo: CGO_ENABLED=0 and a machine without a C compiler are fine. AGENTIDP_LIBRARY, an absolute path,
// names another library to load. With the build tag agentidp_static it is linked in by cgo instead.
package agentidp
