package models

import (
	"errors"
	"slices"
	"testing"
)

func TestLocate(t *testing.T) {
	list := []Section{
		{Start: 0, Page: 1}, {Start: 2, Heading: "A", Level: 1}, {Start: 10, Heading: "A.1", Level: 2}, {Start: 20, Page: 2},
		{Start: 25, Heading: "A.2", Level: 2}, {Start: 30, Heading: "B", Level: 1, Page: 3},
	}
	for at, want := range map[int]Location{
		0: {Page: 1}, 5: {1, []string{"A"}}, 15: {1, []string{"A", "A.1"}}, 20: {2, []string{"A", "A.1"}}, 25: {2, []string{"A", "A.2"}}, 99: {3, []string{"B"}},
	} {
		if got := Locate(list, at); got.Page != want.Page || !slices.Equal(got.Headings, want.Headings) {
			t.Errorf("at %d: %+v, want %+v", at, got, want)
		}
	}
	back, err := DecodeSections(EncodeSections(list))
	if err != nil || !slices.Equal(back, list) {
		t.Errorf("stored and read: %v, %v", back, err)
	}
	if Locate(nil, 3).Page != 0 || EncodeSections(nil) != "" {
		t.Error("no sections")
	}
}

func TestCheckSections(t *testing.T) {
	for _, test := range []struct {
		list  []Section
		field string
	}{
		{[]Section{{Start: 5, Page: 1}}, "sections[0].start"}, {[]Section{{Start: -1, Page: 1}}, "sections[0].start"}, {[]Section{{Page: -1}}, "sections[0].page"},
		{[]Section{{}}, "sections[0].heading"}, {[]Section{{Heading: "a\x00"}}, "sections[0].heading"}, {[]Section{{Heading: "a", Level: 10}}, "sections[0].level"},
		{[]Section{{Start: 2, Page: 1}, {Start: 1, Page: 2}}, "sections[1].start"}, {make([]Section, MaxSections+1), "sections"},
	} {
		var e *Error
		if err := CheckSections(test.list, "text"); !errors.As(err, &e) || e.Field != test.field || e.Code != Invalid {
			t.Errorf("%+v: %v", test.list[:1], err)
		}
	}
	if err := CheckSections([]Section{{Start: 0, Page: 1}, {Start: 4, Heading: "end"}}, "text"); err != nil {
		t.Error(err)
	}
}
