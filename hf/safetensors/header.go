package safetensors

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

const metadataKey = "__metadata__"

// parseHeader fills f from the header. The decoder refuses duplicate names, invalid UTF-8 and deep nesting.
func (f *File) parseHeader(header, data []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(header))
	err := object(d, func(name string) (err error) {
		if name == metadataKey {
			f.metadata, err = metadata(d)
			return err
		}
		t, err := entry(d, name, data)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		f.tensors[name] = t
		return nil
	})
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("header: more text after its end")
	}
	return f.finish(data)
}

// object reads an object and calls member after each name; member must read the value.
func object(d *jsontext.Decoder, member func(name string) error) error {
	if err := delimiter(d, '{'); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return truncated(err)
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	return delimiter(d, '}')
}

// delimiter reads a token that must be of that kind.
func delimiter(d *jsontext.Decoder, kind jsontext.Kind) error {
	token, err := d.ReadToken()
	if err != nil {
		return truncated(err)
	}
	if token.Kind() != kind {
		return fmt.Errorf("has %s where %q belongs", token.Kind(), byte(kind))
	}
	return nil
}

// truncated keeps an early end from looking like a proper one.
func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func metadata(d *jsontext.Decoder) (map[string]string, error) {
	m := map[string]string{}
	err := object(d, func(key string) (err error) {
		m[key], err = text(d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", metadataKey, err)
	}
	return m, nil
}

func text(d *jsontext.Decoder) (string, error) {
	token, err := d.ReadToken()
	if err != nil {
		return "", truncated(err)
	}
	if token.Kind() != '"' {
		return "", fmt.Errorf("has %s where a string belongs", token.Kind())
	}
	return token.String(), nil
}

// entry reads the description of one tensor and cuts its bytes out of data. Members it does not know are skipped.
func entry(d *jsontext.Decoder, name string, data []byte) (Tensor, error) {
	t := Tensor{Name: name}
	var offsets []int
	hasShape := false
	err := object(d, func(member string) (err error) {
		switch member {
		case "dtype":
			var dtype string
			dtype, err = text(d)
			t.DType = DType(dtype)
		case "shape":
			hasShape = true
			t.Shape, err = integers(d, maxDims)
		case "data_offsets":
			offsets, err = integers(d, 2)
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", member, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return Tensor{}, err
	case !hasShape:
		return Tensor{}, errors.New("shape is missing")
	case len(offsets) != 2:
		return Tensor{}, errors.New("data_offsets must be two numbers")
	}
	return t.place(data, offsets[0], offsets[1])
}

// integers reads a list of at most limit numbers that are not negative.
func integers(d *jsontext.Decoder, limit int) ([]int, error) {
	if err := delimiter(d, '['); err != nil {
		return nil, err
	}
	list := []int{}
	for d.PeekKind() != ']' {
		n, err := integer(d)
		if err != nil {
			return nil, err
		}
		if len(list) == limit {
			return nil, fmt.Errorf("has more than %d numbers", limit)
		}
		list = append(list, n)
	}
	return list, delimiter(d, ']')
}

func integer(d *jsontext.Decoder) (int, error) {
	token, err := d.ReadToken()
	if err != nil {
		return 0, truncated(err)
	}
	n, err := strconv.ParseInt(token.String(), 10, 0)
	if token.Kind() != '0' || err != nil || n < 0 {
		return 0, fmt.Errorf("has %.40q where a whole number, 0 or more, belongs", token.String())
	}
	return int(n), nil
}
