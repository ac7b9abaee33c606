package hftest

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"searchd/hf"
)

// Vector is the embedding that a Server gives a text: of unit length, and another for each text.
func Vector(text string, dimensions int) []float32 {
	h := fnv.New64a()
	h.Write([]byte(text))
	random := rand.New(rand.NewPCG(h.Sum64(), 1))
	v := make([]float32, dimensions)
	var sum float64
	for i := range v {
		v[i] = float32(random.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

// TokenVectors are the vectors of a text's words between those of the marks that begin and end it.
func TokenVectors(text string, dimensions int) [][]float32 {
	rows := [][]float32{Vector("[CLS]", dimensions)}
	for _, word := range strings.Fields(text) {
		rows = append(rows, Vector(word, dimensions))
	}
	return append(rows, Vector("[SEP]", dimensions))
}

// Completion is what a Server writes after a prompt, or answers to it, unless it must stop before.
func Completion(prompt string) string { return "You said: " + prompt }

// Sentiment are the labels of a text, best first.
func Sentiment(text string) []hf.Label {
	positive := 0.25
	if strings.Contains(text, "love") {
		positive = 0.75
	}
	labels := []hf.Label{{Name: "NEGATIVE", Score: 1 - positive}, {Name: "POSITIVE", Score: positive}}
	slices.SortFunc(labels, func(a, b hf.Label) int { return int(math.Copysign(1, b.Score-a.Score)) })
	return labels
}

// Summary is the beginning of a text: so many words.
func Summary(text string, words int) string {
	all := strings.Fields(text)
	return strings.Join(all[:min(words, len(all))], " ")
}

// Translation is the text with the languages before it.
func Translation(text, source, target string) string {
	return "[" + source + ">" + target + "] " + text
}

// written is a completion within its limits.
type written struct {
	pieces    []string // of a stream, a word each
	reason    string   // "stop" or "length"
	prompt    int      // tokens, which are words
	stoppedBy bool     // a stop text
}

func (w written) text() string { return strings.Join(w.pieces, "") }

func write(prompt string, maxTokens int, stop []string) written {
	text, stopped := Completion(prompt), false
	for _, s := range stop {
		if before, _, found := strings.Cut(text, s); found && s != "" {
			text, stopped = before, true
		}
	}
	w := written{pieces: strings.SplitAfter(text, " "), reason: "stop", prompt: len(strings.Fields(prompt)), stoppedBy: stopped}
	if maxTokens > 0 && maxTokens < len(w.pieces) {
		w.pieces, w.reason = w.pieces[:maxTokens], "length"
	}
	return w
}
