package models

import (
	"crypto/sha256"
	"encoding/base64"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of one document. They bound what a single request can make searchd hold in memory.
const (
	MaxIDBytes       = 512
	MaxTitleBytes    = 4 << 10
	MaxURLBytes      = 4 << 10
	MaxTextBytes     = 10 << 20
	MaxMetadataBytes = 64 << 10
	MaxMetadataKeys  = 256
)

// Draft is a document as it was sent.
type Draft struct {
	ID       string
	Title    string
	URL      string
	Text     string
	Metadata Metadata
	Sections []Section
	Vector   []float32 // the caller's own vector of the whole text, in place of the model's
}

// Check makes sure that a draft can be stored, and gives it an id from its content where it has none. dimensions is
// the length a vector must have.
func (d *Draft) Check(dimensions int) error {
	if err := d.checkText(); err != nil {
		return err
	}
	if err := CheckTitleAndURL(&d.Title, &d.URL); err != nil {
		return err
	}
	if err := CheckSections(d.Sections, d.Text); err != nil {
		return err
	}
	if err := d.checkVector(dimensions); err != nil {
		return err
	}
	if d.ID == "" {
		d.ID = contentID(d.Title, d.Text)
	}
	return CheckID("id", d.ID)
}

// CheckTitleAndURL makes sure that a title and a URL can be stored; nil is neither.
func CheckTitleAndURL(title, url *string) error {
	if title != nil {
		if err := checkString("title", *title, MaxTitleBytes); err != nil {
			return err
		}
	}
	if url != nil {
		return checkString("url", *url, MaxURLBytes)
	}
	return nil
}

func (d *Draft) checkText() error {
	if strings.TrimSpace(d.Text) == "" {
		return Errorf(Invalid, "text", "is empty; give the text to be found")
	}
	return checkString("text", d.Text, MaxTextBytes)
}

func (d *Draft) checkVector(dimensions int) error {
	if d.Vector == nil {
		return nil
	}
	return CheckVector("vector", d.Vector, dimensions)
}

// CheckVector makes sure that v can be compared with vectors of a length.
func CheckVector(field string, v []float32, dimensions int) error {
	if len(v) != dimensions {
		return Errorf(Invalid, field, "has %d values; this collection's vectors have %d", len(v), dimensions)
	}
	var sum float64
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return Errorf(Invalid, field, "value %d is not a finite number", i)
		}
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return Errorf(Invalid, field, "is all zeros, which has no direction; leave it out to let the model read the text")
	}
	return nil
}

// Normalize answers v with unit length: indexes compare by dot product. v is not all zeros.
func Normalize(v []float32) []float32 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	length := math.Sqrt(sum)
	unit := make([]float32, len(v))
	for i, x := range v {
		unit[i] = float32(float64(x) / length)
	}
	return unit
}

// CheckID makes sure that id can name a document.
func CheckID(field, id string) error {
	switch {
	case id == "":
		return Errorf(Invalid, field, "is empty")
	case len(id) > MaxIDBytes:
		return Errorf(Invalid, field, "has %d bytes; at most %d are allowed", len(id), MaxIDBytes)
	case !utf8.ValidString(id):
		return Errorf(Invalid, field, "is not valid UTF-8")
	case id == "." || id == "..":
		return Errorf(Invalid, field, "%q cannot stand in a URL's path; choose another", id)
	case strings.ContainsFunc(id, unicode.IsControl):
		return Errorf(Invalid, field, "has a control character; remove it")
	}
	return nil
}

// checkString holds what is true of every stored text: bounded, UTF-8, no NUL (which PostgreSQL cannot store).
func checkString(field, s string, limit int) error {
	switch {
	case len(s) > limit:
		return Errorf(Invalid, field, "has %d bytes; at most %d are allowed", len(s), limit)
	case !utf8.ValidString(s):
		return Errorf(Invalid, field, "is not valid UTF-8")
	case strings.IndexByte(s, 0) >= 0:
		return Errorf(Invalid, field, "has a NUL character (U+0000); remove it")
	}
	return nil
}

// contentID names a document by what it says: the same text sent twice is one document.
func contentID(title, text string) string {
	h := sha256.New()
	h.Write([]byte(title))
	h.Write([]byte{0})
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}
