// A resource server: /reports needs an access token with the scope agents:read. ISSUER and AUDIENCE
// say whose tokens, PORT where to listen (0 for a free port).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	agentidp "github.com/sentryagent/idp-sdk-go"
	"github.com/sentryagent/idp-sdk-go/agentidphttp"
)

func main() {
	verifier := agentidp.NewTokenVerifier(agentidp.TokenVerifierConfig{
		Issuer: os.Getenv("ISSUER"), Audience: []string{os.Getenv("AUDIENCE")},
	})
	if err := verifier.Err(); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /reports", agentidphttp.Require(verifier, "agents:read")(http.HandlerFunc(reports)))
	mux.HandleFunc("GET /open", func(w http.ResponseWriter, _ *http.Request) { say(w, map[string]bool{"open": true}) })

	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	server := &http.Server{Handler: mux}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, func() { _ = server.Shutdown(context.Background()) })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

func reports(w http.ResponseWriter, r *http.Request) {
	if token, ok := agentidphttp.FromContext(r.Context()); ok {
		say(w, map[string]string{"subject": token.Subject})
	}
}

func say(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}
