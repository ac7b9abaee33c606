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
	word   word
	weight float64 // how often it was asked for, less for what is only near it
	terms  []term
	near   bool // stands in for another
	alone  bool // nothing stands in for it
	last   bool // the query ends in the midst of it, as far as one can see
}

// term is a word as it stands in the field of a language.
type term struct{ field, text string }

// concepts are what a query asks for.
func (v *view) concepts(query string) []concept {
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
		places[name] = len(list)
		list = append(list, concept{
			word: w, weight: 1, terms: terms, alone: len(asked) > mostAsked, last: i == len(asked)-1 && unfinished(query),
		})
	}
	return list
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

// near is what stands in for a word: its completions if it is the last one, and, where the index knows neither these nor the
// word, corrections. It has no terms where nothing does.
func (r reading) near(c concept, known bool) (concept, error) {
	letters := utf8.RuneCountInString(c.word.text)
	if c.alone || c.word.whole || letters < 3 || letters > mostLetters {
		return concept{}, nil
	}
	if c.last {
		terms, err := r.completions(c.word, c.terms)
		if len(terms) > 0 || err != nil {
			return concept{weight: completed, terms: terms, near: true}, err
		}
	}
	if known {
		return concept{}, nil
	}
	terms, err := r.corrections(c.terms)
	return concept{weight: corrected, terms: terms, near: true}, err
}

// count is how many chunks have a term.
func (r reading) count(t term) (int, error) {
	n := 0
	for _, p := range r.parts {
		list, err := r.postings(p, t)
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
func (r reading) completions(w word, exact []term) ([]term, error) {
	start := fold(w.text)
	var terms []term
	for _, t := range exact {
		found, err := r.between(t.field, nil, start, after(start))
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
func (r reading) corrections(exact []term) ([]term, error) {
	for distance := uint8(1); distance <= 2; distance++ {
		var terms []term
		for _, t := range exact {
			letters := utf8.RuneCountInString(t.text)
			if letters < 5 || distance == 2 && letters < 8 {
				continue
			}
			_, n := utf8.DecodeRuneInString(t.text)
			found, err := r.between(t.field, newSlips(t.text, distance), t.text[:n], after(t.text[:n]))
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

// between lists the first terms of a field from start to before end that an automaton accepts, in order; nil accepts all.
func (r reading) between(field string, a segment.Automaton, start, end string) ([]term, error) {
	var found []string
	for _, p := range r.parts {
		dictionary, err := r.dictionary(p, field)
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
		n, err := r.count(t) // 0 for a term that only deleted chunks have, which is there until its segment is merged
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
