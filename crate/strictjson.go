package crate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/crate-vk/crate-vk/loader/quote"
)

// maxKeys is how many keys an object of a configuration may have. ImageNet-22k's
// label2id has 21,841.
const maxKeys = 1 << 16

// decodeStrict decodes a configuration into a struct, and refuses what readers take
// differently: a key that stands twice in one object, one that is a field of the struct
// but for its case, and bytes that are no UTF-8. encoding/json alone takes the last of
// equal keys, whatever their case.
func decodeStrict(data []byte, into any) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("is no UTF-8 text")
	}
	if err := json.Unmarshal(data, into); err != nil {
		return err
	}
	return checkKeys(json.NewDecoder(bytes.NewReader(data)), reflect.TypeOf(into))
}

// checkKeys reads one value, which is decoded into type t; nil where it is decoded
// into nothing. The text is known to be JSON, and not to nest too deep.
func checkKeys(dec *json.Decoder, t reflect.Type) error {
	open, err := dec.Token()
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for open == json.Delim('{') && dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		key := token.(string)
		field, err := fieldOf(t, key)
		switch {
		case err != nil:
			return err
		case seen[key]:
			return fmt.Errorf("key %s appears twice", quote.Name(key))
		case len(seen) == maxKeys:
			return fmt.Errorf("an object has more than %d keys", maxKeys)
		}
		seen[key] = true
		if err := checkKeys(dec, field); err != nil {
			return err
		}
	}
	for open == json.Delim('[') && dec.More() {
		if err := checkKeys(dec, nil); err != nil {
			return err
		}
	}
	if open == json.Delim('{') || open == json.Delim('[') {
		_, err = dec.Token()
	}
	return err
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
