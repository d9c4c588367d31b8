package outputs

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// difference names the first field in which two headers differ.
func difference(have, want []byte) string {
	var a, b map[string]json.RawMessage
	if json.Unmarshal(have, &a) != nil || json.Unmarshal(want, &b) != nil {
		return "its header can't be read"
	}
	var order []string
	dec := json.NewDecoder(bytes.NewReader(want))
	dec.Token()
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			break
		}
		order = append(order, key.(string))
		var skip json.RawMessage
		dec.Decode(&skip)
	}
	for _, key := range order {
		if !bytes.Equal(a[key], b[key]) {
			return fmt.Sprintf("%s was %s, is %s", key, orNone(a[key]), b[key])
		}
	}
	return "its header differs"
}

func orNone(v json.RawMessage) string {
	if v == nil {
		return "not set"
	}
	return string(v)
}
