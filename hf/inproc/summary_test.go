package inproc_test

import (
	"slices"
	"strings"
	"testing"

	"searchd/hf"
	"searchd/hf/inproc"
	"searchd/internal/prose"
)

func summarise(t testing.TB, p *inproc.Provider, text string, limit, least int) string {
	t.Helper()
	return do(t, p, hf.Call{Task: hf.Summarization, Inputs: []string{text}, Params: hf.Params{MaxTokens: &limit, MinTokens: &least}}).Texts[0]
}

// notice is a text about one thing, with an aside and a repetition.
const notice = `The library closes for repairs from Monday, 3 March. The repairs to the library roof take two weeks.
My cat likes fish. Borrowed books may be returned to the town hall while the library is closed.
The repairs to the library roof take two weeks. Nobody pays a fine for books that fall due while the library is closed.`

func TestSummary(t *testing.T) {
	p := withBundled(t)
	for _, tt := range []struct {
		name         string
		text         string
		limit, least int
		want         string
	}{
		{"as long as the limit", "Two words", 2, 0, "Two words"},
		{"shorter keeps its form", " A  text\n\nas it is. ", 9, 0, " A  text\n\nas it is. "},
		{"no aside, no repetition", notice, 54, 0, ""},
		{"a sentence too long is cut", strings.Repeat("word ", 40) + "end.", 5, 0, "word word word word word…"},
		{"least words", "Short one. " + strings.Repeat("and ", 30) + "end.", 10, 10, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := summarise(t, p, tt.text, tt.limit, tt.least)
			if n := prose.Words(got); n > tt.limit || n < tt.least {
				t.Errorf("it has %d words, not %d to %d: %q", n, tt.least, tt.limit, got)
			}
			if tt.name == "no aside, no repetition" {
				checkNotice(t, got)
			} else if tt.want != "" && got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// checkNotice says whether a summary of the notice has its sentences once, in order, without the aside.
func checkNotice(t *testing.T, got string) {
	t.Helper()
	if strings.Contains(got, "cat") {
		t.Errorf("the aside is in %q", got)
	}
	at := -1
	for _, s := range []string{"The library closes", "roof take two weeks.", "Borrowed books", "Nobody pays"} {
		i := strings.Index(got, s)
		if i <= at || strings.Count(got, s) != 1 {
			t.Errorf("%q is not there once, in its place: %q", s, got)
		}
		at = i
	}
}

// With little room, the aside is what goes.
func TestSummaryLeavesOutTheAside(t *testing.T) {
	p := withBundled(t)
	for _, limit := range []int{15, 25, 35, 50} {
		if got := summarise(t, p, notice, limit, 0); strings.Contains(got, "cat") || got == "" {
			t.Errorf("in %d words: %q", limit, got)
		}
	}
}

func TestSummaryOfManyTexts(t *testing.T) {
	p, m := withHash()
	long := strings.Repeat("Alpha beta gamma delta. Epsilon zeta eta theta. ", 20)
	r := do(t, p, hf.Call{Task: hf.Summarization, Inputs: []string{long, "short"}})
	if len(r.Texts) != 2 || r.Texts[1] != "short" || r.Model != m.Card().ID || r.Usage.PromptTokens == 0 {
		t.Errorf("%+v", r)
	}
	// Sentences that repeat are taken once, so the default of 100 words is not reached.
	if r.Texts[0] != "Alpha beta gamma delta. Epsilon zeta eta theta." {
		t.Errorf("%q", r.Texts[0])
	}
}

func TestSummaryOfChinese(t *testing.T) {
	p := withBundled(t)
	text := strings.Repeat("图书馆从三月三日开始关闭维修。维修屋顶需要两个星期。", 3) + "借出的书可以还到市政厅。我的猫喜欢吃鱼。"
	got := summarise(t, p, text, 30, 0)
	if n := prose.Words(got); n == 0 || n > 30 || strings.Contains(got, " ") {
		t.Errorf("%d words: %q", n, got)
	}
}

// Every awkward text of 10 MB has a summary within the limit, and soon.
func TestSummaryOfHugeTexts(t *testing.T) {
	p := withBundled(t)
	for _, unit := range []string{"The parties agree to clause number seven of it. ", "word ", "x", ". ", "字", "字。", "\xff ", "a\n\n", "Dr. ", "1. "} {
		text := strings.Repeat(unit, 2<<20/len(unit)) // twice what a request may hold
		if n := prose.Words(summarise(t, p, text, 50, 10)); n > 50 {
			t.Errorf("%q: %d words", unit, n)
		}
	}
}

// A long text of many sentences is read to its end: what is said in its last part can be in the summary.
func TestSummaryReadsLongTexts(t *testing.T) {
	p := withBundled(t)
	var b strings.Builder
	topics := []string{"bridge", "harbour", "railway", "museum"}
	for i := range 4000 {
		b.WriteString("The council discussed the " + topics[i*len(topics)/4000] + " project, its budget and its " +
			[]string{"builders", "opening", "delays", "critics", "engineers"}[i%5] + ". ")
	}
	got := summarise(t, p, b.String(), 60, 0)
	found := slices.DeleteFunc(slices.Clone(topics), func(s string) bool { return !strings.Contains(got, s) })
	if len(found) < 3 {
		t.Errorf("only %q of %q are in %q", found, topics, got)
	}
}

func BenchmarkSummary(b *testing.B) {
	p := withBundled(b)
	for _, bm := range []struct {
		name string
		size int
	}{{"2kB", 2 << 10}, {"10MB", 10 << 20}} {
		text := strings.Repeat(notice+"\n", bm.size/len(notice)+1)[:bm.size]
		b.Run(bm.name, func(b *testing.B) {
			for b.Loop() {
				summarise(b, p, text, 50, 0)
			}
		})
	}
}
