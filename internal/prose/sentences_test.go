package prose

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// | marks where a text is cut.
func TestSentences(t *testing.T) {
	for _, marked := range []string{
		"One sentence",
		"One. |Two! |Three? |Four",
		"no capitals here. |none there either. |so be it.",
		"Dr. Smith met Mrs. Jones at St. Mary's. |They talked.",
		"Use a tool, e.g. a hammer. |Or, i.e. as said, a nail.",
		"Use a tool (e.g. Hammers). |Then stop.",
		"J. R. R. Tolkien wrote it. |So did I. |We read it.",
		"It costs 3.50 in v1.2.3 of the U.S. market. |It is in the U.S. |The end.",
		"See fig. 3 and no. 5, sec. IV. |He said no. |She said yes.",
		"Apples, pears, etc. are fruit. |Apples, pears, etc. |They are fruit.",
		"Acme Inc. makes it. |It was made by Acme Inc. |Others copy it.",
		"He said “Stop!” |She did not. |“Really?” he asked. |Yes.",
		"(It was late.) |We left.",
		"Wait... what? |Wait... |What?",
		"Wait… what? |Wait… |What?!? |Yes!!",
		"1. Wash your hands. |2. Dry them.",
		"Read this:\n|- one thing\n|- another thing\n|* a third\n|3) a fourth",
		"A heading\n\n|A line that\ngoes on. |The next\r\n\r\n|Another",
		"Text before\n|# Heading\n\n|Text after",
		"これは文です。|次の文です！|終わり",
		"中文句子。|第二句？|“第三句。”|第四句",
		"यह वाक्य है। |दूसरा वाक्य।",
		"هل هذا سؤال؟ |نعم.",
		"Go to example.com/a.html?x=1 now. |Mail a@b.org.",
		"Das gilt z.B. für Holz. |Es ist gut.",
		"Ends with space.  \n  |And more.   ",
		"Dots . . . |here",
		"",
		" \n\t ",
	} {
		text := strings.ReplaceAll(marked, "|", "")
		var want, got []string
		for part := range strings.SplitSeq(marked, "|") {
			if part = strings.TrimSpace(part); part != "" {
				want = append(want, part)
			}
		}
		for _, s := range Sentences(text) {
			got = append(got, text[s.Start:s.End])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestSentencesAreBounded(t *testing.T) {
	for _, unit := range []string{"word ", "x", "é", "字", "one line of words\n", "\xff"} {
		text := strings.Repeat(unit, 20_000/len(unit))
		checkSpans(t, text)
		if n := len(Sentences(text)); n < 20 || n > 50 {
			t.Errorf("%q is cut into %d", unit, n)
		}
	}
}

// checkSpans says whether the spans are what sentences promises.
func checkSpans(t *testing.T, text string) {
	t.Helper()
	end := 0
	for _, s := range Sentences(text) {
		if s.Start < end || s.End <= s.Start || s.End > len(text) || s.End-s.Start > MaxSentence {
			t.Fatalf("%q: the span %v after %d", text, s, end)
		}
		if strings.TrimSpace(text[end:s.Start]) != "" {
			t.Fatalf("%q: %q is in no sentence", text, text[end:s.Start])
		}
		if piece := text[s.Start:s.End]; strings.TrimFunc(piece, unicode.IsSpace) != piece {
			t.Fatalf("%q: %q has space around it", text, piece)
		}
		end = s.End
	}
	if strings.TrimSpace(text[end:]) != "" {
		t.Fatalf("%q: %q is in no sentence", text, text[end:])
	}
}

func FuzzSentences(f *testing.F) {
	for _, s := range []string{"", "One. Two.", "e.g. 3. “A?” b… c。d", "- a\n- b\n\n# c", "\xff. \xf0\x9f. \u2029x", strings.Repeat("a.b ", 400)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkSpans(t, text)
		limit := len(text)%7 + 1
		first, cut := FirstWords(text, limit)
		if Words(first) > limit || !strings.HasPrefix(text, first) || !cut && first != text {
			t.Fatalf("the first %d words of %q are %q, %v", limit, text, first, cut)
		}
		if cut && Words(text) <= limit {
			t.Fatalf("%q has %d words and was cut at %d", text, Words(text), limit)
		}
	})
}

func TestWords(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, " \n": 0, "one": 1, " two  words ": 2, "it's e.g. three-fold": 3, "中文句子。": 4, "Go 语言 is": 4, "カタカナ": 4, "\xff": 1,
	} {
		if got := Words(text); got != want {
			t.Errorf("%q has %d words, want %d", text, got, want)
		}
	}
}

func TestTerms(t *testing.T) {
	var got []string
	EachTerm("Go-lang 1.5, 语言x", func(term string) { got = append(got, term) })
	if want := []string{"Go", "lang", "1", "5", "语", "言", "x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func BenchmarkSentences(b *testing.B) {
	text := strings.Repeat("The plot was good, e.g. in part 1.5, but Dr. Smith said “no!” and left. ", 1<<20/72)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Sentences(text)
	}
}
