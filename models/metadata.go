package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Metadata is what a document says about itself: a flat JSON object whose values are strings, numbers, booleans,
// null, or arrays of these. JSON keeps the numbers as they were written.
type Metadata struct {
	JSON   string
	Fields []Field // one a value, ready for filters; document and collection not yet set
}

// Kind is the type of a metadata value.
type Kind string

const (
	KindString Kind = "string"
	KindTime   Kind = "time" // a string that reads as RFC 3339
	KindNumber Kind = "number"
	KindBool   Kind = "bool"
	KindNull   Kind = "null"
	KindEmpty  Kind = "empty" // an array without elements: the key exists
)

// Value is a scalar as it is compared: by Text where it is a string, by Number otherwise. A time has both: Text as
// written, and Number, the microseconds since 1970, so that zones do not matter.
type Value struct {
	Kind   Kind
	Text   string
	Number float64
}

// ParseMetadata reads a JSON object. The empty input is the empty object.
func ParseMetadata(raw []byte) (Metadata, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return Metadata{JSON: "{}"}, nil
	}
	if len(raw) > MaxMetadataBytes {
		return Metadata{}, Errorf(Invalid, "", "has %d bytes; at most %d are allowed", len(raw), MaxMetadataBytes)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return Metadata{}, Errorf(Invalid, "", "is not JSON: %v", err)
	}
	members, err := decodeObject(raw)
	if err != nil {
		return Metadata{}, err
	}
	if len(members) > MaxMetadataKeys {
		return Metadata{}, Errorf(Invalid, "", "has %d keys; at most %d are allowed", len(members), MaxMetadataKeys)
	}
	m := Metadata{JSON: compact.String()}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if err := m.add(key, members[key]); err != nil {
			return Metadata{}, err
		}
	}
	return m, nil
}

// MetadataOf makes metadata of its fields, in order. Numbers have their shortest form, and keys come in order: neither need be
// what was written at first.
func MetadataOf(fields []Field) (Metadata, error) {
	members := map[string]any{}
	for _, f := range fields {
		switch {
		case f.Kind == KindEmpty:
			members[f.Key] = []any{}
		case f.Element:
			list, _ := members[f.Key].([]any)
			members[f.Key] = append(list, f.value())
		default:
			members[f.Key] = f.value()
		}
	}
	raw, err := json.Marshal(members)
	if err != nil {
		return Metadata{}, fmt.Errorf("write the metadata: %w", err)
	}
	return ParseMetadata(raw)
}

// value is what stood in the JSON.
func (f Field) value() any {
	switch f.Kind {
	case KindNull:
		return nil
	case KindBool:
		return f.Number != 0
	case KindNumber:
		return f.Number
	}
	return f.Text
}

func (m *Metadata) add(key string, value any) error {
	if err := checkKey(key); err != nil {
		return err
	}
	list, isList := value.([]any)
	if !isList {
		return m.addScalar(key, key, value, false)
	}
	if len(list) == 0 {
		m.Fields = append(m.Fields, Field{Key: key, Kind: KindEmpty, Element: true})
	}
	for i, element := range list {
		if err := m.addScalar(key, fmt.Sprintf("%s[%d]", key, i), element, true); err != nil {
			return err
		}
	}
	return nil
}

func (m *Metadata) addScalar(key, path string, value any, element bool) error {
	v, err := parseScalar(path, value)
	if err != nil {
		return err
	}
	m.Fields = append(m.Fields, Field{Key: key, Kind: v.Kind, Element: element, Text: v.Text, Number: v.Number})
	return nil
}

// CheckKey makes sure that key can name a value of metadata.
func CheckKey(field, key string) error {
	var e *Error
	if !errors.As(checkKey(key), &e) {
		return nil
	}
	return Errorf(e.Code, field, "%s", e.Message)
}

func checkKey(key string) error {
	if key == "" {
		return Errorf(Invalid, "", "has an empty key; name it")
	}
	if strings.HasPrefix(key, "$") {
		return Errorf(Invalid, key, "begins with $, which filters use for operators; rename it")
	}
	return checkString(key, key, 256)
}

func parseScalar(field string, value any) (Value, error) {
	switch v := value.(type) {
	case nil:
		return Value{Kind: KindNull}, nil
	case bool:
		if v {
			return Value{Kind: KindBool, Number: 1}, nil
		}
		return Value{Kind: KindBool}, nil
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return Value{}, Errorf(Invalid, field, "the number %.32s is too large; write it as a string", v)
		}
		return Value{Kind: KindNumber, Number: f}, nil
	case string:
		return stringValue(field, v)
	case map[string]any:
		return Value{}, Errorf(Invalid, field, "is an object; nested values cannot be filtered, so write them flat, as in \"author.name\"")
	default:
		return Value{}, Errorf(Invalid, field, "is an array in an array; write it flat")
	}
}

func stringValue(field, s string) (Value, error) {
	if err := checkString(field, s, MaxMetadataBytes); err != nil {
		return Value{}, err
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return Value{Kind: KindTime, Text: s, Number: float64(t.UnixMicro())}, nil
	}
	return Value{Kind: KindString, Text: s}, nil
}

// decodeObject reads one JSON object, keeping numbers as they are written.
func decodeObject(raw []byte) (map[string]any, error) {
	if !utf8.Valid(raw) { // the decoder would put U+FFFD in its place
		return nil, Errorf(Invalid, "", "is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var members map[string]any
	if err := dec.Decode(&members); err != nil || members == nil {
		return nil, Errorf(Invalid, "", "is not a JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, Errorf(Invalid, "", "has something after the object")
	}
	return members, nil
}
