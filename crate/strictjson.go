package crate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// maxValues is how many values a configuration may have in all. The two tables of
// labels of ImageNet-22k have 43,682.
const maxValues = 1 << 18

// decodeStrict decodes a configuration into a struct, and refuses what readers take
// differently: a key that stands twice in one object, one that is a field of the struct
// but for its case, and bytes that are no UTF-8. encoding/json alone takes the last of
// equal keys, whatever their case.
func decodeStrict(data []byte, into any) error {
	switch {
	case !utf8.Valid(data):
		return errors.New("is no UTF-8 text")
	case json.Valid(data): // and thus doesn't nest too deep
		c := keyChecker{dec: json.NewDecoder(bytes.NewReader(data))}
		if err := c.value(reflect.TypeOf(into)); err != nil {
			return err
		}
	}
	return json.Unmarshal(data, into)
}

// keyChecker reads JSON that is known to be valid, and checks its keys.
type keyChecker struct {
	dec    *json.Decoder
	values int
}

// value reads one value, which is decoded into type t; nil where it is decoded into
// nothing.
func (c *keyChecker) value(t reflect.Type) error {
	if c.values++; c.values > maxValues {
		return fmt.Errorf("has more than %d values", maxValues)
	}
	open, err := c.dec.Token()
	if err != nil {
		return err
	}
	switch open {
	case json.Delim('{'):
		err = c.fields(t)
	case json.Delim('['):
		for err == nil && c.dec.More() {
			err = c.value(nil)
		}
	default:
		return nil
	}
	if err == nil {
		_, err = c.dec.Token()
	}
	return err
}

// fields reads the keys and values of an object.
func (c *keyChecker) fields(t reflect.Type) error {
	seen := map[string]bool{}
	for c.dec.More() {
		token, err := c.dec.Token()
		if err != nil {
			return err
		}
		key := token.(string)
		field, err := fieldOf(t, key)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("key %s appears twice", quote.Name(key))
		}
		seen[key] = true
		if err := c.value(field); err != nil {
			return err
		}
	}
	return nil
}

// fieldOf is the type of the field that a key is decoded into, nil if there is none.
// It fails for a key in another case than the field's.
func fieldOf(t reflect.Type, key string) (reflect.Type, error) {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil, nil
	}
	for _, f := range reflect.VisibleFields(t) {
		switch name := f.Tag.Get("json"); {
		case name == key:
			return f.Type, nil
		case name != "" && strings.EqualFold(name, key):
			return nil, fmt.Errorf("key %s: want %q in this very spelling", quote.Name(key), name)
		}
	}
	return nil, nil
}
