package inproc_test

import (
	"math"
	"strings"
	"testing"
	"unicode"

	"searchd/hf"
	"searchd/hf/inproc"
	"searchd/internal/prose"
)

// On SST-2's development sentences, 872 from film reviews, lower-cased. The floor is a little under what was measured, which
// is what VADER's reference implementation has there: 63.1 %. The rules know words, not films.
func TestSentimentOnSST2(t *testing.T) {
	if testing.Short() {
		t.Skip("measures much, and alone")
	}
	type row struct{ Label, Text string }
	rows := shared[row](t, "sentiment/sst2-dev.jsonl")
	texts := make([]string, len(rows))
	for i, r := range rows {
		texts[i] = r.Text
	}
	reply := do(t, withBundled(t), hf.Call{Task: hf.TextClassification, Inputs: texts})
	var right, decided, rightDecided int
	var loss float64
	for i, labels := range reply.Labels {
		score := map[string]float64{}
		for _, l := range labels {
			score[l.Name] = l.Score
		}
		polar := score[inproc.Positive] >= score[inproc.Negative] == (rows[i].Label == inproc.Positive)
		if polar {
			right++
		}
		if labels[0].Name != inproc.Neutral {
			decided++
			if polar {
				rightDecided++
			}
			loss -= math.Log(score[rows[i].Label] / (score[inproc.Positive] + score[inproc.Negative]))
		}
	}
	accuracy := float64(right) / float64(len(rows))
	t.Logf("%d sentences: %.1f %% right of positive and negative; %.1f %% are not neutral, and of those %.1f %% right; log loss %.4f", len(rows),
		100*accuracy, 100*float64(decided)/float64(len(rows)), 100*float64(rightDecided)/float64(decided), loss/float64(decided))
	if accuracy < 0.62 {
		t.Errorf("accuracy is %.3f, under 0.62", accuracy)
	}
}

// Clauses of contracts with summaries in plain words, against the first words of the clause. Both have the same budget.
func TestSummariesOfContracts(t *testing.T) {
	if testing.Short() {
		t.Skip("measures much, and alone")
	}
	type row struct{ Text, Summary string }
	rows := shared[row](t, "summaries/legal-contracts.jsonl")
	p := withBundled(t)
	for _, words := range []int{15, 30, 50} {
		var ours, lead [2]float64
		n := 0
		for _, r := range rows {
			if prose.Words(r.Text) <= words {
				continue // both would be the text itself
			}
			n++
			summary := do(t, p, hf.Call{Task: hf.Summarization, Inputs: []string{r.Text}, Params: hf.Params{MaxTokens: &words}}).Texts[0]
			if got := prose.Words(summary); got > words {
				t.Errorf("a summary has %d words, more than %d", got, words)
			}
			first := strings.Join(strings.Fields(r.Text)[:words], " ")
			for k := range 2 {
				ours[k] += rouge(summary, r.Summary, k+1)
				lead[k] += rouge(first, r.Summary, k+1)
			}
		}
		for k := range 2 {
			ours[k], lead[k] = 100*ours[k]/float64(n), 100*lead[k]/float64(n)
			if ours[k] < lead[k] {
				t.Errorf("ROUGE-%d at %d words is %.2f, under the %.2f of the first words", k+1, words, ours[k], lead[k])
			}
		}
		t.Logf("%d texts over %d words: ROUGE-1 %.2f, ROUGE-2 %.2f; the first words %.2f, %.2f", n, words, ours[0], ours[1], lead[0], lead[1])
	}
}

// rouge is ROUGE-n as F1 (Lin 2004), without stemming: terms are runs of letters and digits, in small letters.
func rouge(candidate, reference string, n int) float64 {
	a, b := grams(candidate, n), grams(reference, n)
	var common, total int
	for g, count := range a {
		common += min(count, b[g])
		total += count
	}
	for _, count := range b {
		total += count
	}
	if total == 0 {
		return 0
	}
	return 2 * float64(common) / float64(total)
}

func grams(s string, n int) map[string]int {
	terms := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	out := map[string]int{}
	for i := 0; i+n <= len(terms); i++ {
		out[strings.Join(terms[i:i+n], " ")]++
	}
	return out
}
