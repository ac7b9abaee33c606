package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
	"searchd/models"
)

const (
	typeJSON   = "application/json"
	typeNDJSON = "application/x-ndjson"
)

// send answers v. An error may quote what the client sent, which need not be UTF-8.
func send(c *fiber.Ctx, v any) error {
	body, err := json.Marshal(v, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	c.Set(fiber.HeaderContentType, typeJSON)
	return c.Send(body)
}

// mediaType is the body's kind, without parameters.
func mediaType(c *fiber.Ctx) (string, error) {
	if encoding := c.Get(fiber.HeaderContentEncoding); encoding != "" && encoding != "identity" {
		return "", models.Errorf(models.UnsupportedMedia, "", "Content-Encoding %.64q is not taken; send the body as it is", encoding)
	}
	kind, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil {
		kind = "" // which no route takes
	}
	return kind, nil
}

// requireJSON refuses other kinds of body. A page of another site cannot send JSON without being asked first, so this
// also keeps such pages from adding documents through a visitor's browser.
func requireJSON(c *fiber.Ctx) error {
	kind, err := mediaType(c)
	if err != nil {
		return err
	}
	if kind != typeJSON {
		return models.Errorf(models.UnsupportedMedia, "", "the Content-Type is %.64q; send JSON with Content-Type: application/json", c.Get(fiber.HeaderContentType))
	}
	return nil
}

// readBody reads a whole body, and no more than the limit.
func readBody(c *fiber.Ctx) ([]byte, error) {
	length := c.Request().Header.ContentLength()
	if length > maxBodyBytes {
		return nil, errTooLarge()
	}
	var body bytes.Buffer
	body.Grow(min(max(length, 0), bodyAtOnce) + bytes.MinRead)
	if _, err := body.ReadFrom(io.LimitReader(bodyReader(c), maxBodyBytes+1)); err != nil {
		return nil, models.Errorf(models.Malformed, "", "the body ended early")
	}
	if body.Len() > maxBodyBytes {
		return nil, errTooLarge()
	}
	return body.Bytes(), nil
}

// bodyAtOnce is how much memory a body has before any of it is there: whoever only says that it is longer takes no more.
const bodyAtOnce = 64 << 10

func errTooLarge() error {
	return models.Errorf(models.TooLarge, "", "the body is over %d MiB; send fewer documents at a time, or stream them as %s", maxBodyBytes>>20, typeNDJSON)
}

// bodyReader is the body as it comes in. Fiber's own Body would read all of it into memory, whatever its size.
func bodyReader(c *fiber.Ctx) io.Reader {
	if b, ok := c.Locals(bodyLocal).(*body); ok {
		return b
	}
	return bytes.NewReader(nil)
}

// decodeBody reads a JSON body into v, strictly.
func decodeBody(c *fiber.Ctx, v any) error {
	if err := requireJSON(c); err != nil {
		return err
	}
	body, err := readBody(c)
	if err != nil {
		return err
	}
	return decode(body, v)
}

// decode reads JSON into v: no unknown field, no field twice, no broken UTF-8, nothing after the end.
func decode(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return models.Errorf(models.Malformed, "", "the body is empty; send a JSON object")
	}
	return explainJSON(unmarshal(body, v, json.RejectUnknownMembers(true)))
}

// unmarshal is that of the decoder, which takes null for nothing wherever it stands. That is meant in the place of a field,
// but not of a whole body, nor of an element of a list: it would be an empty string there, or a nought.
func unmarshal(body []byte, v any, options ...json.Options) error {
	if bytes.Contains(body, []byte("null")) { // looking at each element takes its time
		if string(bytes.TrimSpace(body)) == "null" {
			return &json.SemanticError{JSONKind: jsontext.KindNull, GoType: reflect.TypeOf(v).Elem()}
		}
		options = append(options, fullLists)
	} else {
		options = append(options, quickVectors)
	}
	return json.Unmarshal(body, v, options...)
}

var fullLists = json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(readFull[string]), json.UnmarshalFromFunc(readFull[float32]), json.UnmarshalFromFunc(readFull[int32]),
	json.UnmarshalFromFunc(readFull[wire.Section]),
))

// readFull reads a list that has no null in it.
func readFull[T any](d *jsontext.Decoder, list *[]T) error {
	if d.PeekKind() != jsontext.KindBeginArray {
		return errors.ErrUnsupported // the decoder does it
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	*list = []T{}
	for d.PeekKind() != jsontext.KindEndArray {
		null := d.PeekKind() == jsontext.KindNull
		var element T
		if err := json.UnmarshalDecode(d, &element); err != nil {
			return err
		}
		if null {
			return &json.SemanticError{JSONPointer: d.StackPointer(), JSONKind: jsontext.KindNull, GoType: reflect.TypeFor[T]()}
		}
		*list = append(*list, element)
	}
	_, err := d.ReadToken()
	return err
}

// explainJSON puts a decoder's error in the words of the API, with the path of the field.
func explainJSON(err error) error {
	if err == nil {
		return nil
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		return &models.Error{Code: models.Invalid, Field: fieldPath(semantic.JSONPointer), Message: semanticMessage(semantic)}
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return &models.Error{
			Code: models.Malformed, Field: fieldPath(syntactic.JSONPointer),
			Message: fmt.Sprintf("the body is not JSON: %s at byte %d", syntacticMessage(syntactic), syntactic.ByteOffset),
		}
	}
	return &models.Error{Code: models.Malformed, Message: "the body is not JSON, or ended early"}
}

func semanticMessage(e *json.SemanticError) string {
	switch {
	case errors.Is(e.Err, json.ErrUnknownName):
		return "is not a field that is known here; check its spelling, or leave it out"
	case errors.Is(e.Err, wire.ErrNoChoice):
		return "is empty; leave it out for the default"
	case e.GoType == nil:
		return "has a value that is not allowed"
	}
	got := map[jsontext.Kind]string{'n': "null", 't': "a boolean", 'f': "a boolean", '"': "a string", '0': "a number", '{': "an object", '[': "a list"}[e.JSONKind]
	want := wanted(e.GoType)
	if got == want {
		return fmt.Sprintf("is %s that is out of range or not whole", got)
	}
	return fmt.Sprintf("is %s; it must be %s", got, want)
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a number"
}

func syntacticMessage(e *jsontext.SyntacticError) string {
	if e.Err != nil {
		return strings.TrimPrefix(e.Err.Error(), "jsontext: ")
	}
	return "unexpected text"
}

// fieldPath writes a JSON pointer the way a person would: documents[3].text.
func fieldPath(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		switch {
		case token != "" && strings.Trim(token, "0123456789") == "":
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
	}
	const longest = 200
	if b.Len() > longest {
		return strings.ToValidUTF8(b.String()[:longest], "") + "…"
	}
	return b.String()
}
