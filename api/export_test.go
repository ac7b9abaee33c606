package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
)

// Route is a method and a path pattern that the server answers.
type Route struct{ Method, Path string }

// Routes lists what New has registered, without the HEAD that comes with each GET.
func (s *Server) Routes() []Route {
	var list []Route
	for _, r := range s.app.GetRoutes(true) {
		if route := (Route{r.Method, r.Path}); r.Method != http.MethodHead && !slices.Contains(list, route) {
			list = append(list, route)
		}
	}
	return list
}

// ParseInput reads the input of a dialect.
func ParseInput(raw []byte) (texts []string, ids [][]int32, err error) {
	in, err := parseInput("inputs", raw)
	return in.texts, in.ids, err
}

// TEIDtype is the type that a model of some arithmetic says it has.
func TEIDtype(arithmetic string) string { return teiDtype(arithmetic) }

// FileIntake is what takes the files of a form.
type FileIntake = fileIntake

// ReadForm reads a form with files.
func ReadForm(ctx context.Context, body []byte, boundary string, in FileIntake) error {
	return readForm(ctx, bytes.NewReader(body), boundary, in, io.Discard)
}

// FileName is the name that a file is known by.
func FileName(given string) string { return fileName(given) }

// Unmarshal reads a JSON body as every request's is read.
func Unmarshal(body []byte, v any) error { return explainJSON(unmarshal(body, v)) }

// UnmarshalSlowly does it without what is there to make it quick.
func UnmarshalSlowly(body []byte, v any) error { return explainJSON(json.Unmarshal(body, v)) }
