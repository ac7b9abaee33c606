package models

import (
	"encoding/json"
	"fmt"
)

// Limits of a document's sections.
const (
	MaxSections     = 20_000
	MaxHeadingBytes = 1 << 10
	maxLevel        = 9
)

// Section is where a page or a heading of a document begins.
type Section struct {
	Start   int    `json:"start"`             // byte of the text
	Page    int    `json:"page,omitempty"`    // from 1; 0 where none begins
	Heading string `json:"heading,omitempty"` // empty where none begins
	Level   int    `json:"level,omitempty"`   // of the heading, from 1, the outermost
}

// Location is where in its document something stands.
type Location struct {
	Page     int      // 0 where the document has no pages
	Headings []string // outermost first
}

// CheckSections makes sure that sections stand in a text, in order.
func CheckSections(list []Section, text string) error {
	if len(list) > MaxSections {
		return Errorf(Invalid, "sections", "has %d sections; at most %d are allowed", len(list), MaxSections)
	}
	for i, s := range list {
		if err := s.check(text); err != nil {
			return Within(fmt.Sprintf("sections[%d]", i), err)
		}
		if i > 0 && s.Start < list[i-1].Start {
			return Errorf(Invalid, fmt.Sprintf("sections[%d].start", i), "is %d, before the section before it; put sections in order", s.Start)
		}
	}
	return nil
}

func (s Section) check(text string) error {
	switch {
	case s.Start < 0 || s.Start > len(text):
		return Errorf(Invalid, "start", "is %d; the text has %d bytes", s.Start, len(text))
	case s.Page < 0:
		return Errorf(Invalid, "page", "is %d; pages are counted from 1", s.Page)
	case s.Level < 0 || s.Level > maxLevel:
		return Errorf(Invalid, "level", "is %d; it can be 1 to %d", s.Level, maxLevel)
	case s.Page == 0 && s.Heading == "":
		return Errorf(Invalid, "heading", "is empty, and there is no page either; give one of them")
	}
	return checkString("heading", s.Heading, MaxHeadingBytes)
}

// EncodeSections is how sections are stored: JSON, or nothing for none.
func EncodeSections(list []Section) string {
	if len(list) == 0 {
		return ""
	}
	b, err := json.Marshal(list)
	if err != nil { // integers and strings
		panic(err)
	}
	return string(b)
}

// DecodeSections reads what EncodeSections has written.
func DecodeSections(stored string) ([]Section, error) {
	if stored == "" {
		return nil, nil
	}
	var list []Section
	err := json.Unmarshal([]byte(stored), &list)
	return list, err
}

// Locate says where the byte at stands.
func Locate(list []Section, at int) Location {
	var l Location
	var open []Section // headings, each of a deeper level than the one before
	for _, s := range list {
		if s.Start > at {
			break
		}
		if s.Page > 0 {
			l.Page = s.Page
		}
		if s.Heading == "" {
			continue
		}
		for len(open) > 0 && open[len(open)-1].Level >= s.Level {
			open = open[:len(open)-1]
		}
		open = append(open, s)
	}
	for _, s := range open {
		l.Headings = append(l.Headings, s.Heading)
	}
	return l
}
