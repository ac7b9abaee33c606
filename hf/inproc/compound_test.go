package inproc

import (
	"math"
	"testing"

	"github.com/jonreiter/govader"
)

// The examples that VADER's authors publish, with the compound scores that their program gives.
func TestPublishedExamples(t *testing.T) {
	v := govader.NewSentimentIntensityAnalyzer()
	for text, want := range map[string]float64{
		"VADER is smart, handsome, and funny.":                                                0.8316,
		"VADER is smart, handsome, and funny!":                                                0.8439,
		"VADER is very smart, handsome, and funny.":                                           0.8545,
		"VADER is VERY SMART, handsome, and FUNNY.":                                           0.9227,
		"VADER is VERY SMART, handsome, and FUNNY!!!":                                         0.9342,
		"VADER is VERY SMART, uber handsome, and FRIGGIN FUNNY!!!":                            0.9469,
		"VADER is not smart, handsome, nor funny.":                                            -0.7424,
		"The book was good.":                                                                  0.4404,
		"At least it isn't a horrible book.":                                                  0.431,
		"The book was only kind of good.":                                                     0.3832,
		"The plot was good, but the characters are uncompelling and the dialog is not great.": -0.7042,
		"Today SUX!":                    -0.5461,
		"Make sure you :) or :D today!": 0.8633,
		"Catch utf-8 emoji such as such as 💘 and 💋 and 😁": 0.7003,
		"Not bad at all": 0.431,
	} {
		if got := compound(v, text); math.Abs(got-want) > 0.0005 {
			t.Errorf("%q has %.4f, want %.4f", text, got, want)
		}
	}
}

func TestCompoundIsTheMeanOfTheSentences(t *testing.T) {
	v := govader.NewSentimentIntensityAnalyzer()
	for text, want := range map[string]float64{
		"":                                     0,
		"The book was good. Today SUX!":        (0.4404 - 0.5461) / 2,
		"The book\n was\tgood.":                0.4404,
		"The book was good. It lay on a desk.": 0.4404 / 2,
	} {
		if got := compound(v, text); math.Abs(got-want) > 0.0005 {
			t.Errorf("%q has %.4f, want %.4f", text, got, want)
		}
	}
}
