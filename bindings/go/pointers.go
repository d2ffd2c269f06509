package agentidp

import "encoding/json"

// Ptr gives a pointer to a value, for optional fields: IsPublic: agentidp.Ptr(false).
func Ptr[T any](value T) *T { return &value }

// Nullable is a field of a request that can be left out, be null, or have a value. The zero value
// is left out.
type Nullable[T any] struct {
	value *T
	set   bool
}

// Null is a field that is sent as null.
func Null[T any]() Nullable[T] { return Nullable[T]{set: true} }

// Value is a field that is sent with a value.
func Value[T any](value T) Nullable[T] { return Nullable[T]{value: &value, set: true} }

// IsSet reports whether the field is sent at all.
func (n Nullable[T]) IsSet() bool { return n.set }

// Get is the value; false when the field is left out or null.
func (n Nullable[T]) Get() (T, bool) {
	if n.value == nil {
		var zero T
		return zero, false
	}
	return *n.value, true
}

// MarshalJSON writes the value, or null.
func (n Nullable[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.value) }

// UnmarshalJSON reads the value, or null.
func (n *Nullable[T]) UnmarshalJSON(text []byte) error {
	n.set = true
	return json.Unmarshal(text, &n.value)
}

func nonZero[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

func orZero[T any](value *T) T {
	if value == nil {
		var zero T
		return zero
	}
	return *value
}
