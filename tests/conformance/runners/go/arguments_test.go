package main

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

func TestArgumentsBecomePublicTypes(t *testing.T) {
	type body struct{ Name string }
	text := json.RawMessage(`{"name":"a","count":2}`)
	if value, err := required[body](text); err != nil || value.Name != "a" {
		t.Error(value, err)
	}
	if value, err := required[body](nil); err != nil || value.Name != "" {
		t.Error(value, err)
	}
	if value, err := optional[body](nil); err != nil || value != nil {
		t.Error(value, err)
	}
	if count, err := field[int](text, "count"); err != nil || count != 2 {
		t.Error(count, err)
	}
	if none, err := field[string](nil, "name"); err != nil || none != "" {
		t.Error(none, err)
	}
	if _, err := field[int](text, "name"); err == nil {
		t.Error("text is no number")
	}
}

func TestAnIteratorOfAnythingStopsWithItsLoop(t *testing.T) {
	failure := errors.New("the end")
	list := items(func(yield func(*int, error) bool) {
		one := 1
		if yield(&one, nil) {
			yield(nil, failure)
		}
	})
	steps := 0
	for item, err := range list {
		if steps++; steps == 1 && (*item.(*int) != 1 || err != nil) || steps == 2 && err != failure {
			t.Error(steps, item, err)
		}
	}
	for range list {
		break
	}
	if steps != 2 {
		t.Error(steps)
	}
}

func TestAConfigurationIsThePublicOne(t *testing.T) {
	config, err := configuration(json.RawMessage(`{"baseUrl":"u","scopes":["a","b"],"timeoutMs":1500,"retries":0}`))
	if err != nil || config.BaseURL != "u" || config.Scope != "a b" || config.Timeout != 1500*time.Millisecond || *config.Retries != 0 {
		t.Error(config, err)
	}
	if _, err := configuration(json.RawMessage(`{"unknown":1}`)); err == nil {
		t.Error("an unknown key was taken")
	}
	if _, err := configuration(nil); err != nil {
		t.Error(err)
	}
}
