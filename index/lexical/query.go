package lexical

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// What a chunk gets for a word that it does not have as it was asked for, as a share of what it would get for that.
const (
	completed = 0.1 // the last word of the query is the beginning of it
	corrected = 0.2 // it is a slip of the keyboard away
)

// concept is a word of a query: all terms that count as it.
type concept struct {
	weight float64 // how often it was asked for, less for what is only near it
	terms  []term
	near   bool // stands in for the one before it
}

// term is a word as it stands in the field of a language.
type term struct{ field, text string }

// concepts are what a query asks for.
func (v *view) concepts(query string) ([]concept, error) {
	asked := v.telling(words(query))
	var list []concept
	places := map[string]int{}
	for i, w := range asked {
		terms := v.termsOf(w)
		name := nameOf(terms)
		if at, ok := places[name]; ok {
			list[at].weight++
			continue
		}
		near, err := v.near(w, terms, len(asked), i == len(asked)-1 && unfinished(query))
		if err != nil {
			return nil, err
		}
		places[name] = len(list)
		list = append(append(list, concept{weight: 1, terms: terms}), near...)
	}
	return list, nil
}

func nameOf(terms []term) string {
	var b strings.Builder
	for _, t := range terms {
		b.WriteString(t.field + " " + t.text + "\n")
	}
	return b.String()
}

// telling are the words of a query without the stop words of its language; all of them where there would be none.
func (v *view) telling(asked []word) []word {
	l, n := mostStops(asked, v.languages)
	if n <= 0 || n == len(asked) {
		return asked
	}
	return slices.DeleteFunc(asked, func(w word) bool { return l.stops[w.text] })
}

// termsOf is a word in each language.
func (v *view) termsOf(w word) []term {
	terms := make([]term, len(v.languages))
	for i, l := range v.languages {
		terms[i] = term{l.code, l.stem(w)}
	}
	return terms
}

// unfinished says whether a query ends in the midst of a word, as far as one can see.
func unfinished(query string) bool {
	r, _ := utf8.DecodeLastRuneInString(query)
	return unicode.IsLetter(r) && !unspaced(r)
}

// Longer queries and words are no slips of somebody who types; nor is looking for what is near them cheap.
const (
	mostAsked   = 32
	mostLetters = 32
)

// near are the concepts that stand in for a word: its completions if it is the last one, and, where the index knows
// neither these nor the word, corrections.
func (v *view) near(w word, exact []term, asked int, last bool) ([]concept, error) {
	letters := utf8.RuneCountInString(w.text)
	if w.whole || letters < 3 || letters > mostLetters || asked > mostAsked {
		return nil, nil
	}
	if last {
		terms, err := v.completions(w, exact)
		if len(terms) > 0 || err != nil {
			return []concept{{weight: completed, terms: terms, near: true}}, err
		}
	}
	if known, err := v.known(exact); known || err != nil {
		return nil, err
	}
	terms, err := v.corrections(exact)
	if len(terms) == 0 || err != nil {
		return nil, err
	}
	return []concept{{weight: corrected, terms: terms, near: true}}, nil
}

// known says whether any chunk has one of the terms.
func (v *view) known(terms []term) (bool, error) {
	for _, t := range terms {
		n, err := v.count(t)
		if n > 0 || err != nil {
			return true, err
		}
	}
	return false, nil
}

// count is how many chunks have a term.
func (v *view) count(t term) (int, error) {
	n := 0
	for _, p := range v.parts {
		dictionary, err := p.segment.Dictionary(t.field)
		if err != nil {
			return 0, err
		}
		list, err := dictionary.PostingsList([]byte(t.text), p.gone, nil)
		if err != nil {
			return 0, err
		}
		n += int(list.Count())
	}
	return n, nil
}

// mostNear bounds how many terms stand in for a word.
const mostNear = 64

// completions are the terms that begin with a word, other than those that it is anyway.
func (v *view) completions(w word, exact []term) ([]term, error) {
	start := fold(w.text)
	var terms []term
	for _, t := range exact {
		found, err := v.dictionary(t.field, nil, start, after(start))
		if err != nil {
			return nil, err
		}
		for _, near := range found {
			if near != t {
				terms = append(terms, near)
			}
		}
	}
	return terms, nil
}

// corrections are the terms at the least edit distance from a word, up to one for a short word and two for a longer one.
// The first letter is taken to be right.
func (v *view) corrections(exact []term) ([]term, error) {
	for distance := uint8(1); distance <= 2; distance++ {
		var terms []term
		for _, t := range exact {
			letters := utf8.RuneCountInString(t.text)
			if letters < 5 || distance == 2 && letters < 8 {
				continue
			}
			_, n := utf8.DecodeRuneInString(t.text)
			found, err := v.dictionary(t.field, newSlips(t.text, distance), t.text[:n], after(t.text[:n]))
			if err != nil {
				return nil, err
			}
			terms = append(terms, found...)
		}
		if len(terms) > 0 {
			return terms, nil
		}
	}
	return nil, nil
}

// dictionary lists the first terms of a field from start to before end that an automaton accepts, in order; nil accepts all.
func (v *view) dictionary(field string, a segment.Automaton, start, end string) ([]term, error) {
	var found []string
	for _, p := range v.parts {
		dictionary, err := p.segment.Dictionary(field)
		if err != nil {
			return nil, err
		}
		for it := dictionary.AutomatonIterator(a, []byte(start), []byte(end)); ; {
			entry, err := it.Next()
			if err != nil {
				return nil, err
			}
			if entry == nil {
				break
			}
			found = append(found, entry.Term)
		}
	}
	slices.Sort(found)
	var terms []term
	for _, text := range slices.Compact(found) {
		t := term{field, text}
		n, err := v.count(t) // 0 for a term that only deleted chunks have, which is there until its segment is merged
		if err != nil {
			return nil, err
		}
		if n > 0 {
			terms = append(terms, t)
		}
		if len(terms) == mostNear {
			break
		}
	}
	return terms, nil
}

// after is the first text behind all those that begin with start.
func after(start string) string { return start + "\xff" }
