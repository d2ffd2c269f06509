package agentidp

import (
	"context"
	"encoding/json"
	"runtime"
	"sync"

	"github.com/sentryagent/idp-sdk-go/internal/native"
)

// TokenManager gives access tokens for calls that are not made with this SDK. It shares the cache of
// every client with the same base URL, client and scopes, and is safe for all goroutines.
type TokenManager struct{ handle *handle }

// NewTokenManager makes a token manager; scope is scopes separated by spaces. What is empty comes
// from the environment, as for a client. A configuration that does not hold is told by GetToken.
func NewTokenManager(baseURL, clientID, clientSecret, scope string) *TokenManager {
	return &TokenManager{handle: newHandle(AgentIdPClientConfig{
		BaseURL: baseURL, ClientID: clientID, ClientSecret: clientSecret, Scope: scope,
	})}
}

// tokenBytes is room for most tokens; a longer one costs one call more.
const tokenBytes = 4 << 10

var tokenBuffers = sync.Pool{New: func() any { return new([tokenBytes]byte) }}

// GetToken is an access token that is valid for at least a moment. A cached one is answered without
// waiting; else one request serves everybody who waits. The token is a secret.
func (m *TokenManager) GetToken(ctx context.Context) (string, error) {
	h := m.of()
	if err := h.usable(); err != nil {
		return "", err
	}
	if token := h.cachedToken(); token != "" {
		return token, nil
	}
	done, err := h.await(ctx, false, func(queue native.Queue, id uint64) int32 {
		return native.TokenStart(queue, h.client, id)
	})
	if err != nil {
		return "", err
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(done.body, &token); err != nil {
		return "", localError(KindDecoding, CodeDecodingError, "the token cannot be read", err)
	}
	return token.AccessToken, nil
}

// ClearTokenCache forgets the token, for all that share it; the next GetToken asks for a new one.
func (m *TokenManager) ClearTokenCache() { m.of().clearTokenCache() }

// Close ends the manager: later GetToken calls fail with the code CLIENT_CLOSED.
func (m *TokenManager) Close() error {
	m.of().close()
	return nil
}

// of is the manager's handle; nil for a manager that is none.
func (m *TokenManager) of() *handle {
	if m == nil {
		return nil
	}
	return m.handle
}

func (h *handle) cachedToken() string {
	defer runtime.KeepAlive(h)
	buf := tokenBuffers.Get().(*[tokenBytes]byte)
	defer tokenBuffers.Put(buf)
	n := native.ClientCachedToken(h.client, buf[:])
	if n <= tokenBytes {
		token := string(buf[:n])
		clear(buf[:n])
		return token
	}
	long := make([]byte, n)
	if got := native.ClientCachedToken(h.client, long); got <= n {
		return string(long[:got])
	}
	return ""
}
