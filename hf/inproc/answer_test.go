package inproc_test

import (
	"slices"
	"strings"
	"testing"

	"searchd/hf/hftest"
	"searchd/hf/inproc"
)

func passages(texts ...string) []inproc.Passage {
	out := make([]inproc.Passage, len(texts))
	for i, t := range texts {
		out[i].Text = t
	}
	return out
}

const (
	backups = "Backups are written every night at two. To restore a database, stop the server and run the restore command with the backup file.  It takes a minute."
	weather = "It rained on Tuesday. The harbour was grey, and the gulls were loud."
	faq     = "Where can I park my car? There is a place behind the school, free of charge. How late is it open? Until ten in the evening."
)

func TestAnswer(t *testing.T) {
	p := withBundled(t)
	for _, tt := range []struct {
		name, question string
		passages       []inproc.Passage
		has, lacks     string
	}{
		{"one sentence", "How do I restore the database from a backup?", passages(backups, weather), "run the restore command", "gulls"},
		{"not the first passage", "How do I restore the database from a backup?", passages(weather, backups), "run the restore command", "gulls"},
		{"a question is no answer", "Where can I park my car?", passages(faq), "behind the school", "?"},
		{"said twice, cited once", "How do I restore the database from a backup?", passages(backups, backups), "run the restore command", ""},
		{"nothing relevant", "Who won the chess championship?", passages(backups, weather), "", ""},
		{"no passages", "Who?", nil, "", ""},
		{"empty passages", "Who?", passages("", " \n"), "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, citations, err := p.Answer(t.Context(), tt.question, tt.passages)
			if err != nil {
				t.Fatal(err)
			}
			if tt.has == "" && (text != "" || citations != nil) {
				t.Fatalf("answered %q, %v", text, citations)
			}
			if strings.Count(text, tt.has) != 1 && tt.has != "" || tt.lacks != "" && strings.Contains(text, tt.lacks) {
				t.Errorf("answered %q", text)
			}
			checkCitations(t, text, citations, tt.passages)
		})
	}
}

// Real questions with paragraphs of the encyclopedia article that they were asked about, the right one among five; then
// with five paragraphs of another article, where the answer is not.
func TestAnswersOnXQuAD(t *testing.T) {
	if testing.Short() {
		t.Skip("measures much, and alone")
	}
	type document struct{ ID, Text string }
	type query struct {
		ID, Text string
		Answers  []string
	}
	documents, queries := shared[document](t, "xquad/en/corpus.jsonl"), shared[query](t, "xquad/en/queries.jsonl")
	right := sharedQrels(t, "xquad/en/qrels.tsv")
	articles := map[string][]inproc.Passage{}
	place := map[string]int{}
	for _, d := range documents {
		article := d.ID[:3]
		place[d.ID] = len(articles[article])
		articles[article] = append(articles[article], inproc.Passage{Text: d.Text})
	}
	p := withBundled(t)
	var asked, answered, silent, wrong, cited int
	for i := 0; i < len(queries); i += 10 {
		q := queries[i]
		article, another := right[q.ID][:3], documents[(i+len(documents)/2)%len(documents)].ID[:3]
		if article == another {
			continue
		}
		own, at, other := articles[article], place[right[q.ID]], articles[another]
		asked++
		text, citations, err := p.Answer(t.Context(), q.Text, five(own, at))
		if err != nil {
			t.Fatal(err)
		}
		cited += len(citations)
		if text == "" {
			silent++
		}
		if slices.ContainsFunc(q.Answers, func(a string) bool { return strings.Contains(text, a) }) {
			answered++
		}
		if text, _, err = p.Answer(t.Context(), q.Text, five(other, 0)); err != nil {
			t.Fatal(err)
		} else if text != "" {
			wrong++
		}
	}
	t.Logf("%d questions: the cited sentences hold the answer to %d, %.1f of them a question; %d got none; %d were answered out of another article",
		asked, answered, float64(cited)/float64(asked), silent, wrong)
	if float64(answered) < 0.8*float64(asked) || float64(wrong) > 0.05*float64(asked) {
		t.Error("less than 80 % hold the answer, or more than 5 % were answered out of another article")
	}
}

// five are the passages from at-2 to at+2, as far as there are some; there are five in any case.
func five(all []inproc.Passage, at int) []inproc.Passage {
	from := max(0, min(at-2, len(all)-5))
	return all[from:min(from+5, len(all))]
}

// checkCitations says whether the answer is the cited sentences in the order of the passages.
func checkCitations(t *testing.T, text string, citations []inproc.Citation, from []inproc.Passage) {
	t.Helper()
	if len(citations) > 3 {
		t.Errorf("%d citations", len(citations))
	}
	var cited []string
	for i, c := range citations {
		cited = append(cited, strings.Join(strings.Fields(from[c.Passage].Text[c.Start:c.End]), " "))
		if i > 0 && (c.Passage < citations[i-1].Passage || c.Passage == citations[i-1].Passage && c.Start < citations[i-1].End) {
			t.Errorf("the citations %v are out of order", citations)
		}
	}
	if want := strings.Join(cited, " "); text != want {
		t.Errorf("the answer is %q, the citations are %q", text, want)
	}
}

func TestAnswerRefuses(t *testing.T) {
	p, _ := withHash()
	if _, _, err := p.Answer(t.Context(), " ", passages(backups)); faultOf(err) != "invalid" {
		t.Errorf("an empty question: %v", err)
	}
	if _, _, err := inproc.New(hftest.Set{}).Answer(t.Context(), "why?", passages(backups)); faultOf(err) != "not_served" {
		t.Errorf("no model: %v", err)
	}
}

func TestAnswerOfHugePassages(t *testing.T) {
	p := withBundled(t)
	for _, unit := range []string{"The server restores the backup. ", "word ", "\xff ", "?! "} {
		text, citations, err := p.Answer(t.Context(), "How is a backup restored?", passages(strings.Repeat(unit, 2<<20/len(unit)), backups))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, "restore") || len(citations) > 3 {
			t.Errorf("%q: %q %v", unit, text, citations)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	p := withBundled(b)
	from := passages(backups, weather, faq, backups+" "+weather, weather+" "+faq, notice, notice+backups, faq+notice, weather+notice, backups+faq)
	for b.Loop() {
		if _, _, err := p.Answer(b.Context(), "How do I restore the database from a backup?", from); err != nil {
			b.Fatal(err)
		}
	}
}
