package inproc_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/hf/inproc"
)

func TestSentiment(t *testing.T) {
	p, _ := withHash()
	for _, tt := range []struct{ text, want string }{
		{"VADER is smart, handsome, and funny.", inproc.Positive},
		{"VADER is not smart, handsome, nor funny.", inproc.Negative},
		{"Today SUX!", inproc.Negative},
		{"Make sure you :) or :D today!", inproc.Positive},
		{"I love this 😍", inproc.Positive},
		{"Not bad at all", inproc.Positive},
		{"The table is made of wood.", inproc.Neutral},
		{"The\nfood\nwas\nterrible.", inproc.Negative},
		{"It was\u00a0awful.", inproc.Negative},
		{"", inproc.Neutral},
		{" \n ", inproc.Neutral},
		{"\xff\xfe", inproc.Neutral},
		// A run of sentences has the mean of them, not their sum.
		{strings.Repeat("The table is made of wood. ", 40) + "It is good.", inproc.Neutral},
	} {
		labels := do(t, p, hf.Call{Task: hf.TextClassification, Model: inproc.VADER, Inputs: []string{tt.text}}).Labels[0]
		if labels[0].Name != tt.want {
			t.Errorf("%.40q is %v, want %s", tt.text, labels, tt.want)
		}
		checkLabels(t, tt.text, labels)
	}
}

func checkLabels(t *testing.T, text string, labels []hf.Label) {
	t.Helper()
	var sum float64
	names := map[string]bool{}
	for i, l := range labels {
		sum += l.Score
		names[l.Name] = true
		if !(l.Score >= 0 && l.Score <= 1) || i > 0 && l.Score > labels[i-1].Score {
			t.Errorf("%.40q: the scores %v are not between 0 and 1, best first", text, labels)
		}
	}
	if math.Abs(sum-1) > 1e-9 || len(names) != 3 {
		t.Errorf("%.40q: the scores %v are not three that sum to 1", text, labels)
	}
}

// Stronger words, more difference between positive and negative.
func TestSentimentOrders(t *testing.T) {
	p, _ := withHash()
	texts := []string{"It was horrible, the worst disaster.", "It was bad.", "It was.", "It was good.", "It was a great, wonderful success!!!"}
	last := -2.0
	for i, labels := range do(t, p, hf.Call{Task: hf.TextClassification, Inputs: texts}).Labels {
		score := map[string]float64{}
		for _, l := range labels {
			score[l.Name] = l.Score
		}
		difference := score[inproc.Positive] - score[inproc.Negative]
		if difference <= last {
			t.Errorf("%q is no more positive than the one before: %v", texts[i], labels)
		}
		last = difference
	}
}

// Texts of 2 MB of every awkward kind take a bounded time: the test's limit is many times what they take.
func TestSentimentOfHugeTexts(t *testing.T) {
	p, _ := withHash()
	for _, unit := range []string{"good ", "a", "!", "no no ", "😍", "\xff", ". ", "\n", "never so good but at least ", "GOOD bad ", "’n't "} {
		text := strings.Repeat(unit, 2<<20/len(unit))
		checkLabels(t, unit, do(t, p, hf.Call{Task: hf.TextClassification, Inputs: []string{text}}).Labels[0])
	}
}

func TestSentimentConcurrently(t *testing.T) {
	p, _ := withHash()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			labels := do(t, p, hf.Call{Task: hf.TextClassification, Inputs: []string{"What a great day!"}}).Labels[0]
			if labels[0].Name != inproc.Positive {
				t.Error(labels)
			}
		})
	}
	wg.Wait()
}

func BenchmarkSentiment(b *testing.B) {
	p, _ := withHash()
	for _, bm := range []struct{ name, text string }{
		{"Sentence", "The plot was good, but the characters are uncompelling and the dialog is not great."},
		{"2MB", strings.Repeat("The plot was good, but the characters are uncompelling and the dialog is not great. ", 2<<20/84)},
	} {
		b.Run(bm.name, func(b *testing.B) {
			for b.Loop() {
				do(b, p, hf.Call{Task: hf.TextClassification, Inputs: []string{bm.text}})
			}
		})
	}
}

// set has classifiers too.
type set struct {
	hftest.Set
	classifier map[string]classifier
}

func (s set) Classifier(id string) (hf.Classifier, error) {
	if c, ok := s.classifier[id]; ok {
		return c, nil
	}
	return nil, hf.NoModel(id, "classifier")
}

type classifier struct{ err error }

func (classifier) Card() hf.Card { return hf.Card{ID: "my/classifier"} }

func (c classifier) Classify(_ context.Context, texts []string) ([][]hf.Label, error) {
	var list [][]hf.Label
	for _, text := range texts {
		list = append(list, []hf.Label{{Name: "said " + text, Score: 1}})
	}
	return list, c.err
}

// A classifier of this process answers by its name, and is not asked by another or by none.
func TestClassifier(t *testing.T) {
	broken := errors.New("broken")
	p := inproc.New(set{hftest.Set{hftest.NewModel(hftest.Options{})}, map[string]classifier{"my/classifier": {}, "my/broken": {broken}}})
	call := hf.Call{Task: hf.TextClassification, Model: "my/classifier", Inputs: []string{"a", "b"}}
	want := hf.Reply{Model: "my/classifier", Labels: [][]hf.Label{{{Name: "said a", Score: 1}}, {{Name: "said b", Score: 1}}}}
	if diff := cmp.Diff(want, do(t, p, call)); diff != "" {
		t.Error(diff)
	}
	for _, model := range []string{"", inproc.VADER} {
		call.Model = model
		if got := do(t, p, call); got.Model != inproc.VADER || len(got.Labels) != 2 || len(got.Labels[0]) != 3 {
			t.Errorf("%q: %+v", model, got)
		}
	}
	call.Model = "my/broken"
	if _, err := p.Do(t.Context(), call); faultOf(err) != hf.FaultServer || !errors.Is(err, broken) {
		t.Errorf("a broken one: %v", err)
	}
}
