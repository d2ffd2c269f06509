package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/sentryagent/idp-sdk-go/agentidptest"
)

// TestTheQuickStart runs it against a server of its own: what users' tests look like.
func TestTheQuickStart(t *testing.T) {
	server := agentidptest.NewServer(t)
	t.Setenv("AGENTIDP_BASE_URL", server.BaseURL)
	t.Setenv("AGENTIDP_CLIENT_ID", server.ClientID)
	t.Setenv("AGENTIDP_CLIENT_SECRET", server.ClientSecret)

	said := printed(t, main)

	var steps []string
	for _, line := range strings.Split(strings.TrimSpace(said), "\n") {
		step, _, _ := strings.Cut(line, ":")
		steps = append(steps, step)
	}
	const want = "register list credential token introspect rotate not-found audit decommission"
	if have := strings.Join(steps, " "); have != want {
		t.Errorf("the steps are %s, not %s", have, want)
	}
	if strings.Contains(said, server.ClientSecret) || strings.Contains(said, "sk_live_") {
		t.Error("a secret was printed")
	}
}

// printed is what a program prints.
func printed(t *testing.T, program func()) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = writer
	defer func() { os.Stdout = stdout }()
	done := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(reader)
		done <- string(text)
	}()
	program()
	_ = writer.Close()
	return <-done
}
