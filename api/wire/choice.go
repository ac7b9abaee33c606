package wire

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Choice is one of a few words in a request. Left out, or null, it is the default one; an empty string is none of them.
type Choice string

// ErrNoChoice is of an empty string in place of a Choice.
var ErrNoChoice = errors.New("is empty")

// UnmarshalJSONFrom reads a string that is not empty, or null.
func (c *Choice) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	given := dec.PeekKind() == jsontext.KindString
	var word string
	if err := json.UnmarshalDecode(dec, &word); err != nil {
		return err
	}
	if given && word == "" {
		return ErrNoChoice
	}
	*c = Choice(word)
	return nil
}
