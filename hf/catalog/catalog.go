package catalog

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

//go:embed models.json
var builtin []byte

// Place is where a model can run.
type Place string

const (
	Bundled Place = "bundled" // in this process, out of the binary
	Pull    Place = "pull"    // in this process, once its folder has been fetched
	Router  Place = "router"  // on the hosted router of Hugging Face; its documentation names the model as served
	TGI     Place = "tgi"     // on your own text-generation-inference
	TEI     Place = "tei"     // on your own text-embeddings-inference
	OpenAI  Place = "openai"  // on any server of your own that speaks OpenAI's protocol and has the architecture
	Own     Place = "own"     // on your own server of Hugging Face's inference container, or a rented endpoint of it
)

var places = []Place{Bundled, Pull, Router, TGI, TEI, OpenAI, Own}

// placeNames end a sentence that begins with "it runs".
var placeNames = map[Place]string{
	Bundled: "in this process",
	Pull:    "in this process once it is pulled",
	TGI:     "on your own text-generation-inference, added as a provider of type tgi",
	TEI:     "on your own text-embeddings-inference, added as a provider of type tei",
	OpenAI:  "on your own server that speaks OpenAI's protocol, added as a provider of type openai",
	Own:     "on your own or a rented endpoint of Hugging Face's inference container",
}

// Model describes a model. What is not known is absent.
type Model struct {
	ID             string   `json:"id"`                         // with its publisher, as on the hub
	Task           string   `json:"task"`                       // in the words of the hub
	Architecture   string   `json:"architecture,omitempty"`     // model_type of its config.json
	Parameters     int64    `json:"parameters,omitempty"`       // weights, as published; often rounded
	Dimensions     int      `json:"dimensions,omitempty"`       // of an embedding
	MaxInputTokens int      `json:"max_input_tokens,omitempty"` // longest input
	Licence        string   `json:"licence,omitempty"`          // SPDX identifier, or the hub's name where SPDX has none
	Runs           []Place  `json:"runs"`                       // where, the nearest first
	Takes          []string `json:"takes"`                      // parameters; no other is sent to it
}

// Hosted says in one sentence what hosted Hugging Face can do with the model.
func (m Model) Hosted() string {
	switch {
	case m.ID == "":
		return "not known"
	case m.RunsAt(Router):
		return "hosted Hugging Face serves it"
	}
	return "hosted Hugging Face does not serve it: " + m.elsewhere()
}

// elsewhere says where else than at hosted Hugging Face the model can run.
func (m Model) elsewhere() string {
	var list []string
	for _, p := range m.Runs {
		if p != Router {
			list = append(list, placeNames[p])
		}
	}
	return "it runs " + strings.Join(list, ", or ")
}

// RunsAt says whether the model can run at a place.
func (m Model) RunsAt(p Place) bool { return slices.Contains(m.Runs, p) }

// Preset is how a task is usually asked for.
type Preset struct {
	Temperature float64 `json:"temperature"`
	MaxTokens   int     `json:"max_tokens"`
}

// quality is what a grade of answer may cost.
type quality struct {
	MaxTokens int `json:"max_tokens"`
}

// choice is a rule: which model for a task. An absent condition always holds, and the first rule that holds counts.
type choice struct {
	Task    string `json:"task"`
	Style   string `json:"style,omitempty"`
	Quality string `json:"quality,omitempty"`
	Long    bool   `json:"long,omitempty"`
	Model   string `json:"model"`
	Reason  string `json:"reason"`
}

// interval holds the values that a parameter may have, both ends included. For stop, it is their number.
type interval struct {
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

// file is the form of models.json.
type file struct {
	Models         []Model             `json:"models"`
	Presets        map[string]Preset   `json:"presets"`
	Qualities      map[string]quality  `json:"qualities"`
	LongCharacters int                 `json:"long_characters"`
	Choices        []choice            `json:"choices"`
	DefaultStyles  map[string]string   `json:"default_styles"`
	Ranges         map[string]interval `json:"ranges"`
}

// Catalog is the data, checked. It never changes, and so is safe for concurrent use.
type Catalog struct {
	data file
	at   map[string]int // place of a model's id in Models
}

// Load is the catalogue of the binary with a caller's JSON over it; nil leaves it as it is.
//
// The caller's JSON has the form of models.json, and any part may be absent. A model with a known id, a preset, a quality,
// a default style or a range takes the place of the one that is there, others are added. Its choices come before those
// that are there, so that they count first.
func Load(override []byte) (*Catalog, error) {
	base, err := decode(builtin)
	if err != nil {
		return nil, fmt.Errorf("catalog: models.json: %w", err)
	}
	if override != nil {
		over, err := decode(override)
		if err != nil {
			return nil, fmt.Errorf("catalog: your catalogue of models: %w", err)
		}
		base.merge(over)
	}
	c := &Catalog{data: base, at: map[string]int{}}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	return c, nil
}

func decode(b []byte) (file, error) {
	var f file
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return file{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return file{}, fmt.Errorf("there is something behind the JSON object")
	}
	return f, nil
}

func (f *file) merge(over file) {
	for _, m := range over.Models {
		if i := slices.IndexFunc(f.Models, func(have Model) bool { return have.ID == m.ID }); i >= 0 {
			f.Models[i] = m
		} else {
			f.Models = append(f.Models, m)
		}
	}
	f.Choices = append(slices.Clone(over.Choices), f.Choices...)
	maps.Copy(f.Presets, over.Presets)
	maps.Copy(f.Qualities, over.Qualities)
	maps.Copy(f.DefaultStyles, over.DefaultStyles)
	maps.Copy(f.Ranges, over.Ranges)
	if over.LongCharacters != 0 {
		f.LongCharacters = over.LongCharacters
	}
}

// Model is the model of an id.
func (c *Catalog) Model(id string) (Model, bool) {
	i, ok := c.at[id]
	if !ok {
		return Model{}, false
	}
	return c.data.Models[i].clone(), true
}

// All lists the models of a task; the empty task means all tasks.
func (c *Catalog) All(task string) []Model {
	out := []Model{}
	for _, m := range c.data.Models {
		if task == "" || m.Task == task {
			out = append(out, m.clone())
		}
	}
	return out
}

func (m Model) clone() Model {
	m.Runs, m.Takes = slices.Clone(m.Runs), slices.Clone(m.Takes)
	return m
}
