package network

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"errors"
	"fmt"
	"reflect"
)

// Codec turns messages into bytes and back. It is called by tasks of all nodes, one at a
// time, and must not wait.
type Codec[M any] interface {
	Encode(m M) ([]byte, error)
	Decode(data []byte) (M, error)
}

// Gob returns the codec of encoding/gob. A message type that holds a channel, a function,
// or a field that gob would silently leave out because it is not exported, is an
// ErrNetwork. Types behind interfaces have to be registered with gob.Register.
func Gob[M any]() (Codec[M], error) {
	if err := checkType(reflect.TypeFor[M](), make(map[reflect.Type]bool)); err != nil {
		return nil, fmt.Errorf("%w: messages of type %v: %w", ErrNetwork, reflect.TypeFor[M](), err)
	}
	return gobCodec[M]{}, nil
}

type gobCodec[M any] struct{}

// Encode implements [Codec].
func (gobCodec[M]) Encode(m M) ([]byte, error) {
	if err := checkValue(reflect.ValueOf(&m).Elem(), depthMax); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(&m)
	return b.Bytes(), err
}

// Decode implements [Codec].
func (gobCodec[M]) Decode(data []byte) (m M, err error) {
	err = gob.NewDecoder(bytes.NewReader(data)).Decode(&m)
	return m, err
}

// encodesItself reports whether gob asks the type for its bytes.
func encodesItself(t reflect.Type) bool {
	for _, i := range []reflect.Type{
		reflect.TypeFor[gob.GobEncoder](), reflect.TypeFor[encoding.BinaryMarshaler](),
		reflect.TypeFor[encoding.TextMarshaler](),
	} {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}

// checkType refuses types of which gob carries a part only.
func checkType(t reflect.Type, seen map[reflect.Type]bool) error {
	if seen[t] || encodesItself(t) {
		return nil
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Uintptr:
		return fmt.Errorf("a %v means nothing to another node", t)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return checkType(t.Elem(), seen)
	case reflect.Map:
		if err := checkType(t.Key(), seen); err != nil {
			return err
		}
		return checkType(t.Elem(), seen)
	case reflect.Struct:
		for field := range t.Fields() {
			if !field.IsExported() {
				return fmt.Errorf("field %s of %v is not exported, so it would be lost", field.Name, t)
			}
			if err := checkType(field.Type, seen); err != nil {
				return fmt.Errorf("field %s: %w", field.Name, err)
			}
		}
	}
	return nil
}

// depthMax is how deep a message is; one that leads back to itself has no end.
const depthMax = 10_000

// checkValue does the same for what stands behind interfaces.
func checkValue(v reflect.Value, depth int) error {
	if depth == 0 {
		return errors.New("it has no end")
	}
	depth--
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		if err := checkType(v.Elem().Type(), make(map[reflect.Type]bool)); err != nil {
			return err
		}
		return checkValue(v.Elem(), depth)
	case reflect.Pointer:
		if !v.IsNil() {
			return checkValue(v.Elem(), depth)
		}
	case reflect.Slice, reflect.Array:
		if isPlain(v.Type().Elem()) {
			return nil
		}
		for i := range v.Len() {
			if err := checkValue(v.Index(i), depth); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if err := checkValue(v.MapIndex(key), depth); err != nil {
				return err
			}
		}
	case reflect.Struct:
		if encodesItself(v.Type()) {
			return nil
		}
		for i := range v.NumField() {
			if err := checkValue(v.Field(i), depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// isPlain reports whether nothing can stand behind a value of the type.
func isPlain(t reflect.Type) bool {
	return t.Kind() <= reflect.Complex128 || t.Kind() == reflect.String
}
