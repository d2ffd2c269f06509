package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

// arguments is the envelope of a call: wire names, every part optional.
type arguments struct {
	Path    json.RawMessage `json:"path"`
	Query   json.RawMessage `json:"query"`
	Body    json.RawMessage `json:"body"`
	Options struct {
		TimeoutMS        *float64          `json:"timeoutMs"`
		ConnectTimeoutMS *float64          `json:"connectTimeoutMs"`
		Retries          *int              `json:"retries"`
		Headers          map[string]string `json:"headers"`
		IdempotencyKey   string            `json:"idempotencyKey"`
		RequestID        string            `json:"requestId"`
	} `json:"options"`
}

// options are the envelope's options as the public ones.
func (a *arguments) options() []agentidp.CallOption {
	var opts []agentidp.CallOption
	if a.Options.TimeoutMS != nil {
		opts = append(opts, agentidp.WithTimeout(milliseconds(*a.Options.TimeoutMS)))
	}
	if a.Options.ConnectTimeoutMS != nil {
		opts = append(opts, agentidp.WithConnectTimeout(milliseconds(*a.Options.ConnectTimeoutMS)))
	}
	if a.Options.Retries != nil {
		opts = append(opts, agentidp.WithRetries(*a.Options.Retries))
	}
	for name, value := range a.Options.Headers {
		opts = append(opts, agentidp.WithHeader(name, value))
	}
	if a.Options.IdempotencyKey != "" {
		opts = append(opts, agentidp.WithIdempotencyKey(a.Options.IdempotencyKey))
	}
	if a.Options.RequestID != "" {
		opts = append(opts, agentidp.WithRequestID(a.Options.RequestID))
	}
	return opts
}

// field is one member of an object, as an argument of its own; its zero value when it is missing.
func field[T any](object json.RawMessage, name string) (T, error) {
	var value T
	var members map[string]json.RawMessage
	if len(object) > 0 {
		if err := json.Unmarshal(object, &members); err != nil {
			return value, err
		}
	}
	text, ok := members[name]
	if !ok {
		return value, nil
	}
	err := json.Unmarshal(text, &value)
	return value, err
}

// required is an argument that a method takes by value.
func required[T any](object json.RawMessage) (T, error) {
	var value T
	if len(object) == 0 {
		return value, nil
	}
	err := json.Unmarshal(object, &value)
	return value, err
}

// optional is an argument that may be nil.
func optional[T any](object json.RawMessage) (*T, error) {
	if len(object) == 0 {
		return nil, nil
	}
	value := new(T)
	return value, json.Unmarshal(object, value)
}

// value is what a method answered; no value is null.
func value[T any](answered *T, err error) (any, error) {
	if err != nil || answered == nil {
		return nil, err
	}
	return remembered(answered), nil
}

// items is an iterator over anything.
func items[T any](list iter.Seq2[*T, error]) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for item, err := range list {
			if !yield(remembered(item), err) {
				return
			}
		}
	}
}

// configuration is the judge's configuration as the public one. A key that the SDK has no field for is
// an error of the case.
func configuration(text json.RawMessage) (agentidp.AgentIdPClientConfig, error) {
	var c struct {
		BaseURL           string            `json:"baseUrl"`
		ClientID          string            `json:"clientId"`
		ClientSecret      string            `json:"clientSecret"`
		Scopes            []string          `json:"scopes"`
		TimeoutMS         float64           `json:"timeoutMs"`
		ConnectTimeoutMS  float64           `json:"connectTimeoutMs"`
		Retries           *int              `json:"retries"`
		Headers           map[string]string `json:"headers"`
		AllowInsecureHTTP bool              `json:"allowInsecureHttp"`
		CABundle          string            `json:"caBundle"`
		ClientCertificate string            `json:"clientCertificate"`
		ClientKey         string            `json:"clientKey"`
		Proxy             string            `json:"proxy"`
	}
	if err := strict(text, &c); err != nil {
		return agentidp.AgentIdPClientConfig{}, err
	}
	return agentidp.AgentIdPClientConfig{
		BaseURL: c.BaseURL, ClientID: c.ClientID, ClientSecret: c.ClientSecret,
		Scope: strings.Join(c.Scopes, " "), CABundle: c.CABundle,
		Timeout: milliseconds(c.TimeoutMS), ConnectTimeout: milliseconds(c.ConnectTimeoutMS),
		Retries: c.Retries, Headers: c.Headers, AllowInsecureHTTP: c.AllowInsecureHTTP,
		ClientCertificate: c.ClientCertificate, ClientKey: c.ClientKey, Proxy: c.Proxy,
	}, nil
}

// strict reads a case's configuration.
func strict(text json.RawMessage, into any) error {
	if len(text) == 0 {
		return nil
	}
	known := json.NewDecoder(bytes.NewReader(text))
	known.DisallowUnknownFields()
	if err := known.Decode(into); err != nil {
		return fmt.Errorf("the case's configuration: %w", err)
	}
	return nil
}

// milliseconds is a time of the judge.
func milliseconds(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
