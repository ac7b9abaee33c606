package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"searchd/api/wire"
)

// printer writes hits for people. Control characters of documents are left out: they could drive the terminal.
type printer struct {
	b    strings.Builder
	bold bool // for what is highlighted
}

const (
	hitWidth  = 92 // of a line of a passage
	hitIndent = "          "
	hitRunes  = 240 // of a passage that are shown
	hitLead   = 80  // bytes before the first highlight, up to which a passage is shown from its beginning
)

func printHits(w io.Writer, answer wire.SearchAnswer, offset int) error {
	p := printer{bold: isTerminal(w) && os.Getenv("NO_COLOR") == ""}
	for i, h := range answer.Hits {
		p.hit(offset+i+1, h)
	}
	for _, key := range slices.Sorted(maps.Keys(answer.Facets)) {
		p.facet(key, answer.Facets[key], answer.FacetsLeftOut[key])
	}
	if len(answer.Hits) == 0 {
		p.b.WriteString("no hits\n")
	} else {
		fmt.Fprintf(&p.b, "%d of %d in %.1f ms\n", len(answer.Hits), answer.Total, answer.TookMS)
	}
	if answer.PhrasesMissing {
		p.b.WriteString("nothing has what stands in quotes, word for word: hits need not\n")
	}
	if len(answer.TimingsMS) > 0 {
		p.b.WriteString("of which")
		for _, phase := range slices.Sorted(maps.Keys(answer.TimingsMS)) {
			fmt.Fprintf(&p.b, " %s %.1f", phase, answer.TimingsMS[phase])
		}
		p.b.WriteString("\n")
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

func (p *printer) hit(place int, h wire.Hit) {
	title := clean(h.Title)
	if title == "" {
		title = clean(h.DocumentID)
	}
	fmt.Fprintf(&p.b, "%2d. %3.0f%%  %s\n", place, 100*h.Relevance, title)
	p.words(passageOf(h))
	fmt.Fprintf(&p.b, "%s%s%s\n", hitIndent, clean(h.DocumentID), locationText(h.Location))
	for _, d := range h.Duplicates {
		fmt.Fprintf(&p.b, "%scopy: %s\n", hitIndent, clean(d.DocumentID))
	}
	if e := h.Explain; e != nil {
		fmt.Fprintf(&p.b, "%splace %d%s%s%s%s\n", hitIndent, e.Place,
			legText("semantic", e.Semantic), legText("lexical", e.Lexical), legText("feedback", e.Feedback), rerankText(e.Rerank))
	}
	p.b.WriteString("\n")
}

func locationText(l *wire.Location) string {
	if l == nil {
		return ""
	}
	text := ""
	if l.Page > 0 {
		text = fmt.Sprintf(", page %d", l.Page)
	}
	if len(l.Headings) > 0 {
		text += ": " + clean(strings.Join(l.Headings, " › "))
	}
	return text
}

func legText(name string, l *wire.Leg) string {
	if l == nil {
		return ""
	}
	place := ""
	if l.Rank > 0 {
		place = fmt.Sprintf(", at %d", l.Rank)
	}
	return fmt.Sprintf("; %s %.3f%s", name, l.Score, place)
}

func rerankText(score *float32) string {
	if score == nil {
		return ""
	}
	return fmt.Sprintf("; rerank %.3f", *score)
}

func (p *printer) facet(key string, counts wire.Counts, leftOut int) {
	fmt.Fprintf(&p.b, "%s:", clean(key))
	for i, c := range counts {
		const most = 12
		if i == most {
			leftOut += len(counts) - most
			break
		}
		fmt.Fprintf(&p.b, " %s (%d)", clean(c.Value), c.Documents)
	}
	if len(counts) == 0 {
		p.b.WriteString(" none")
	}
	if leftOut > 0 {
		fmt.Fprintf(&p.b, " and %d more", leftOut)
	}
	p.b.WriteString("\n")
}

// word is a word of a passage.
type word struct {
	text        string
	highlighted bool
}

// passageOf is the part of a hit's passage that is shown: its beginning or, where that is far from the first highlight, what stands from there.
func passageOf(h wire.Hit) []word {
	var list []word
	add := func(text string, highlighted bool) {
		for w := range strings.FieldsSeq(clean(text)) {
			list = append(list, word{w, highlighted})
		}
	}
	at := 0
	for i, s := range h.Highlights {
		from, to := s.Start-h.Chunk.Start, s.End-h.Chunk.Start
		if from < at || to > len(h.Text) { // of another searchd's making
			break
		}
		if i == 0 {
			if at = startOf(h.Text, from); at > 0 {
				list = append(list, word{text: "…"})
			}
		}
		add(h.Text[at:from], false)
		add(h.Text[from:to], true)
		at = to
	}
	add(h.Text[at:], false)
	return cut(list, hitRunes)
}

// startOf is where a passage begins to be shown whose first highlight is at from: there, or earlier where little follows.
func startOf(text string, from int) int {
	at := min(from, len(text)-hitRunes+2) // less the "… " before it
	if from <= hitLead || at <= hitLead {
		return 0
	}
	if space := strings.LastIndexByte(text[:at+1], ' '); space >= 0 {
		return space + 1
	}
	return from
}

// cut leaves at most so many runes.
func cut(list []word, most int) []word {
	for i, w := range list {
		if n := utf8.RuneCountInString(w.text); n > most {
			list[i].text = string([]rune(w.text)[:most]) + "…"
			return list[:i+1]
		} else if most -= n + 1; most <= 0 && i+1 < len(list) {
			list[i].text += "…"
			return list[:i+1]
		}
	}
	return list
}

// words writes a passage in lines that are no wider than hitWidth, but for a word that is wider by itself.
func (p *printer) words(list []word) {
	width, bold := 0, false
	for i, w := range list {
		n := utf8.RuneCountInString(w.text)
		switch {
		case i == 0:
			p.b.WriteString(hitIndent)
		case width+1+n > hitWidth:
			bold = p.style(bold, false)
			p.b.WriteString("\n" + hitIndent)
			width = 0
		default:
			bold = p.style(bold, bold && w.highlighted)
			p.b.WriteString(" ")
			width++
		}
		bold = p.style(bold, w.highlighted)
		p.b.WriteString(w.text)
		width += n
	}
	p.style(bold, false)
	p.b.WriteString("\n")
}

// style goes from one style to another, and answers the latter.
func (p *printer) style(from, to bool) bool {
	if p.bold && from != to {
		p.b.WriteString(map[bool]string{true: "\x1b[1m", false: "\x1b[0m"}[to])
	}
	return to
}

// clean puts spaces in place of control characters.
func clean(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, text))
}
