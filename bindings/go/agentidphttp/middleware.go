// Package agentidphttp protects net/http handlers with access tokens of AgentIdP.
//
//	verifier := agentidp.NewTokenVerifier(agentidp.TokenVerifierConfig{Issuer: issuer, Audience: []string{audience}})
//	mux.Handle("GET /reports", agentidphttp.Require(verifier, "agents:read")(reports))
//
// It owns the HTTP side: reading the Authorization header and answering as RFC 6750 wants. What a
// good token is, the verifier knows.
package agentidphttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

type tokenKey struct{}

// FromContext is the verified token of a request that passed Require; false elsewhere.
func FromContext(ctx context.Context) (*agentidp.VerifiedToken, bool) {
	token, ok := ctx.Value(tokenKey{}).(*agentidp.VerifiedToken)
	return token, ok
}

// Require lets requests pass whose bearer token is good and permits all of these scopes; the handler
// finds the token with FromContext. Others are answered with WWW-Authenticate and a JSON body
// {"code", "message"}: 401 UNAUTHORIZED without a good token, 403 INSUFFICIENT_SCOPE, and 503
// SERVICE_UNAVAILABLE with Retry-After when the issuer's keys cannot be had.
func Require(verifier *agentidp.TokenVerifier, scopes ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, ok := bearer(r.Header)
			if !ok {
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "A bearer token is needed.", "Bearer")
				return
			}
			verified, err := verifier.Verify(r.Context(), token, scopes...)
			if err != nil {
				answer(w, err, scopes)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, verified)))
		})
	}
}

// bearer is the token of the one Authorization header; the scheme's case does not matter.
func bearer(header http.Header) (string, bool) {
	values := header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

// answer tells what was wrong with a token. The error's own words stay here: they are for logs.
func answer(w http.ResponseWriter, err error, scopes []string) {
	switch {
	case errors.Is(err, agentidp.ErrAuthentication):
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "The token is not valid.",
			`Bearer error="invalid_token", error_description="`+reason(err)+`"`)
	case errors.Is(err, agentidp.ErrPermission):
		refuse(w, http.StatusForbidden, "INSUFFICIENT_SCOPE", "The token lacks a scope.",
			fmt.Sprintf(`Bearer error="insufficient_scope", scope="%s"`, strings.Join(needed(err, scopes), " ")))
	default:
		wait := time.Second
		var e *agentidp.AgentIdPError
		if errors.As(err, &e) && e.RetryAfter > wait {
			wait = e.RetryAfter
		}
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		refuse(w, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "Tokens cannot be verified at the moment.", "")
	}
}

// reasons are what a caller may know of why a token is not good.
var reasons = map[string]string{
	"expired":       "The token has expired.",
	"not_yet_valid": "The token is not valid yet.",
	"revoked":       "The token was revoked.",
	"audience":      "The token is for another audience.",
	"issuer":        "The token is of another issuer.",
	"malformed":     "The token is malformed.",
}

func reason(err error) string {
	var e *agentidp.AgentIdPError
	if errors.As(err, &e) {
		name, _ := e.Details["reason"].(string)
		if text, ok := reasons[name]; ok {
			return text
		}
	}
	return "The token is not valid."
}

// needed are all the scopes that the error names, those of the verifier among them.
func needed(err error, scopes []string) []string {
	var e *agentidp.AgentIdPError
	if !errors.As(err, &e) {
		return scopes
	}
	list, ok := e.Details["requiredScopes"].([]any)
	if !ok {
		return scopes
	}
	all := make([]string, 0, len(list))
	for _, item := range list {
		if scope, ok := item.(string); ok {
			all = append(all, scope)
		}
	}
	return all
}

func refuse(w http.ResponseWriter, status int, code, message, challenge string) {
	if challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client is gone when this fails, and that is as good.
	_ = json.NewEncoder(w).Encode(map[string]string{"code": code, "message": message})
}
