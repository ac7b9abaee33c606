package lexical

import (
	"encoding/binary"

	api "github.com/blevesearch/bleve_index_api"
)

// everyChunk is a term of every chunk, in the field of its language: its postings tell the lengths.
const everyChunk = "\x00"

// idField is the one under which scorch looks for what it has to delete.
const idField = "_id"

// document is a chunk as scorch takes it: its id, and its words in the field of its language.
type document struct {
	id     string
	fields [2]*field
}

func newDocument(item Item) *document {
	id := key(item.ID)
	text := words(item.Title + "\n\n" + item.Text)
	l := detect(text)
	body := &field{name: l.code, options: api.IndexField | api.IncludeTermVectors, length: len(text), terms: api.TokenFrequencies{}}
	for _, w := range text {
		body.add(l.stem(w), w.place+1)
	}
	every := &api.TokenFreq{Term: []byte(everyChunk)}
	every.SetFrequency(1)
	body.terms[everyChunk] = every
	name := &field{name: idField, options: api.IndexField | api.StoreField, value: []byte(id), length: 1, terms: api.TokenFrequencies{}}
	name.add(id, 1)
	return &document{id: id, fields: [2]*field{name, body}}
}

// key is an id as scorch takes it.
func key(id uint64) string { return string(binary.BigEndian.AppendUint64(nil, id)) }

func (d *document) ID() string                               { return d.id }
func (d *document) Size() int                                { return 0 }
func (d *document) VisitComposite(api.CompositeFieldVisitor) {}
func (d *document) HasComposite() bool                       { return false }
func (d *document) NumPlainTextBytes() uint64                { return 0 }
func (d *document) AddIDField()                              {}
func (d *document) StoredFieldsBytes() uint64                { return 0 }
func (d *document) Indexed() bool                            { return true }

func (d *document) VisitFields(visit api.FieldVisitor) {
	for _, f := range d.fields {
		visit(f)
	}
}

// field is analysed before it is given away.
type field struct {
	name    string
	options api.FieldIndexingOptions
	value   []byte
	length  int
	terms   api.TokenFrequencies
}

func (f *field) add(term string, place int) {
	t := f.terms[term]
	if t == nil {
		t = &api.TokenFreq{Term: []byte(term)}
		f.terms[term] = t
	}
	t.SetFrequency(t.Frequency() + 1)
	if f.options.IncludeTermVectors() {
		t.Locations = append(t.Locations, &api.TokenLocation{Position: place})
	}
}

func (f *field) Name() string                                   { return f.name }
func (f *field) Value() []byte                                  { return f.value }
func (f *field) ArrayPositions() []uint64                       { return nil }
func (f *field) EncodedFieldType() byte                         { return 't' }
func (f *field) Analyze()                                       {}
func (f *field) Options() api.FieldIndexingOptions              { return f.options }
func (f *field) AnalyzedLength() int                            { return f.length }
func (f *field) AnalyzedTokenFrequencies() api.TokenFrequencies { return f.terms }
func (f *field) NumPlainTextBytes() uint64                      { return 0 }
