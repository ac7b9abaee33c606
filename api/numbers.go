package api

import (
	"bytes"
	"errors"
	"math"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var quickVectors = json.WithUnmarshalers(json.UnmarshalFromFunc(readVector))

// readVector reads a list of numbers as the decoder does, which takes several times as long.
func readVector(d *jsontext.Decoder, list *[]float32) error {
	if d.PeekKind() != jsontext.KindBeginArray {
		return errors.ErrUnsupported // the decoder does it
	}
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	if v, ok := parseVector(raw); ok {
		*list = v
		return nil
	}
	err = json.Unmarshal(raw, list) // which says what is wrong
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		semantic.JSONPointer = d.StackPointer() + semantic.JSONPointer
	}
	return err
}

// parseVector reads a JSON list; not ok where there is anything but numbers in it, or one that is out of range.
func parseVector(list []byte) (v []float32, ok bool) {
	v = make([]float32, 0, 1+bytes.Count(list, []byte(",")))
	for at := skipSpace(list, 1); list[at] != ']'; {
		x, n := shortNumber(list[at:])
		if n == 0 {
			x, n = anyNumber(list[at:])
		}
		if n == 0 {
			return nil, false
		}
		v = append(v, x)
		if at = skipSpace(list, at+n); list[at] == ',' {
			at = skipSpace(list, at+1)
		}
	}
	return v, true
}

// skipSpace is the first place from at that has no space. There is one: the list's end.
func skipSpace(list []byte, at int) int {
	for list[at] == ' ' || list[at] == '\n' || list[at] == '\t' || list[at] == '\r' {
		at++
	}
	return at
}

func endsNumber(c byte) bool {
	return c == ',' || c == ']' || c == ' ' || c == '\n' || c == '\t' || c == '\r'
}

// anyNumber reads what a list begins with, and how long it is; 0 where that is no number, or out of range.
func anyNumber(list []byte) (x float32, length int) {
	if c := list[0]; c != '-' && (c < '0' || c > '9') {
		return 0, 0
	}
	for !endsNumber(list[length]) {
		length++
	}
	value, err := strconv.ParseFloat(string(list[:length]), 32)
	if err != nil {
		return 0, 0
	}
	return float32(value), length
}

// powers are those of ten that a float64 has exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// shortNumber is anyNumber for up to 19 digits without an exponent; 0 where it cannot tell the nearest float32.
//
// The digits as a float64, divided by a power of ten, are at most 2 units of its last place off: each of the two is rounded once.
// The float32 next to that is the one next to the number itself, unless it lies so near to the middle of two of them
// (Clinger, 1990, with float64 for the arithmetic that is more exact).
func shortNumber(list []byte) (float32, int) {
	const mostDigits, below32, off = 19, 29, 4
	n, digits, point := 0, uint64(0), 0
	if list[0] == '-' {
		n = 1
	}
	first := n
	for ; ; n++ {
		if c := list[n] - '0'; c <= 9 {
			digits = 10*digits + uint64(c)
		} else if list[n] == '.' && point == 0 {
			point = n + 1
		} else {
			break
		}
	}
	length, decimals := n-first, 0
	if point > 0 {
		length, decimals = length-1, n-point
	}
	if length == 0 || length > mostDigits || !endsNumber(list[n]) {
		return 0, 0
	}
	value := float64(digits) / powers[decimals]
	rest := math.Float64bits(value) & (1<<below32 - 1) // what a float32 has no place for
	if middle := uint64(1) << (below32 - 1); rest >= middle-off && rest <= middle+off {
		return 0, 0
	}
	if list[0] == '-' {
		value = -value
	}
	return float32(value), n
}
