package lexical

import (
	"bytes"
	"strings"
	"sync"
	"unicode"

	"github.com/blevesearch/bleve/v2/analysis/lang/ar"
	"github.com/blevesearch/bleve/v2/analysis/lang/da"
	"github.com/blevesearch/bleve/v2/analysis/lang/de"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"
	"github.com/blevesearch/bleve/v2/analysis/lang/es"
	"github.com/blevesearch/bleve/v2/analysis/lang/fi"
	"github.com/blevesearch/bleve/v2/analysis/lang/fr"
	"github.com/blevesearch/bleve/v2/analysis/lang/hu"
	"github.com/blevesearch/bleve/v2/analysis/lang/it"
	"github.com/blevesearch/bleve/v2/analysis/lang/nl"
	"github.com/blevesearch/bleve/v2/analysis/lang/no"
	"github.com/blevesearch/bleve/v2/analysis/lang/pt"
	"github.com/blevesearch/bleve/v2/analysis/lang/ro"
	"github.com/blevesearch/bleve/v2/analysis/lang/ru"
	"github.com/blevesearch/bleve/v2/analysis/lang/sv"
	"github.com/blevesearch/bleve/v2/analysis/lang/tr"
	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/turkish"
	"golang.org/x/text/unicode/norm"
)

// language is how words are brought to a common form, and which of them say nothing.
type language struct {
	code  string // names the field in the index
	steps func(*snowballstem.Env) bool
	list  []byte          // of stop words: one a line, comments after | and #
	stops map[string]bool // as they are looked up
}

// languages holds English first: it is what a text counts as in which no language shows.
var languages = sync.OnceValue(func() []*language {
	list := []*language{
		{code: "en", steps: english.Stem, list: en.EnglishStopWords},
		{code: "ar", steps: arabic.Stem, list: ar.ArabicStopWords},
		{code: "da", steps: danish.Stem, list: da.DanishStopWords},
		{code: "de", steps: german.Stem, list: de.GermanStopWords},
		{code: "es", steps: spanish.Stem, list: es.SpanishStopWords},
		{code: "fi", steps: finnish.Stem, list: fi.FinnishStopWords},
		{code: "fr", steps: french.Stem, list: fr.FrenchStopWords},
		{code: "hu", steps: hungarian.Stem, list: hu.HungarianStopWords},
		{code: "it", steps: italian.Stem, list: it.ItalianStopWords},
		{code: "nl", steps: dutch.Stem, list: nl.DutchStopWords},
		{code: "no", steps: norwegian.Stem, list: no.NorwegianStopWords},
		{code: "pt", steps: portuguese.Stem, list: pt.PortugueseStopWords},
		{code: "ro", steps: romanian.Stem, list: ro.RomanianStopWords},
		{code: "ru", steps: russian.Stem, list: ru.RussianStopWords},
		{code: "sv", steps: swedish.Stem, list: sv.SwedishStopWords},
		{code: "tr", steps: turkish.Stem, list: tr.TurkishStopWords},
	}
	for _, l := range list {
		l.stops = stopWords(l.list)
	}
	return list
})

func stopWords(list []byte) map[string]bool {
	stops := map[string]bool{}
	for line := range bytes.Lines(list) {
		line, _, _ := strings.Cut(string(line), "|")
		line, _, _ = strings.Cut(line, "#")
		for _, w := range words(line) {
			stops[w.text] = true
		}
	}
	return stops
}

// A text shows its language by at least so many stop words, and so large a part of its words: prose has twice that, code
// and tables have less.
const (
	enoughStops = 3
	stopShare   = 0.2
)

// detect is the language of a text: the one with most stop words in it.
func detect(text []word) *language {
	best, n := mostStops(text, languages())
	if n < enoughStops || float64(n) < stopShare*float64(len(text)) {
		return languages()[0]
	}
	return best
}

// mostStops is the language with most stop words in a text, the first one of those with as many.
func mostStops(text []word, among []*language) (best *language, most int) {
	most = -1
	for _, l := range among {
		n := 0
		for _, w := range text {
			if len(w.text) > 1 && l.stops[w.text] { // letters alone are names in code
				n++
			}
		}
		if n > most {
			best, most = l, n
		}
	}
	return best, most
}

// stem is the form under which a word is looked up. Accents go after stemming, which looks at them.
func (l *language) stem(w word) string {
	if w.whole {
		return fold(w.text)
	}
	env := snowballstem.NewEnv(w.text)
	l.steps(env)
	if env.Current() == "" {
		return fold(w.text)
	}
	return fold(env.Current())
}

// fold takes the accents off Latin letters.
func fold(s string) string {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] < 0x80
	}
	if ascii {
		return s
	}
	var b strings.Builder
	base := rune(0)
	for _, r := range norm.NFD.String(s) {
		if unicode.Is(unicode.Mn, r) && unicode.Is(unicode.Latin, base) {
			continue
		}
		base = r
		b.WriteRune(r)
	}
	return norm.NFC.String(b.String())
}
